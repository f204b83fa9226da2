import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../ground/errors.ts';
import type { SessionOptions } from '../session.ts';
import type { McpServer } from './mcp-servers.ts';

/** What is shown in the place of a value that may be a secret; sent back, it means the value that is there. */
export const MASK = '********';

type Values = Record<string, string>;

/** The options as anybody sees them: without the values of variables and headers, which are what lets an agent in. */
export function withoutSecrets(options: SessionOptions): SessionOptions {
  const { env, mcp_servers, ...others } = options;
  return {
    ...others,
    ...(env === undefined ? {} : { env: hide(env) }),
    ...(mcp_servers === undefined ? {} : { mcp_servers: mapValues(mcp_servers, hideOfServer) }),
  };
}

/**
 * The options that a request gives, with the values that it saw masked as they are in the session. Those of an MCP
 * server are kept for the same server alone: another one must not get them. Throws `invalid_request` for a mask that
 * stands for nothing.
 */
export function withSecrets(given: SessionOptions, stored: SessionOptions): SessionOptions {
  const { env, mcp_servers, ...others } = given;
  return {
    ...others,
    ...(env === undefined ? {} : { env: restore(env, stored.env, 'env') }),
    ...(mcp_servers === undefined
      ? {}
      : {
          mcp_servers: mapValues(mcp_servers, (server, name) =>
            restoreOfServer(server, stored.mcp_servers?.[name], `mcp_servers.${name}`),
          ),
        }),
  };
}

function hide(values: Values): Values {
  return mapValues(values, () => MASK);
}

function hideOfServer(server: McpServer): McpServer {
  if (server.type === 'stdio')
    return server.env === undefined ? server : { ...server, env: hide(server.env) };
  return server.headers === undefined ? server : { ...server, headers: hide(server.headers) };
}

function restoreOfServer(given: McpServer, stored: McpServer | undefined, field: string): McpServer {
  const known = stored !== undefined && isSameServer(given, stored) ? stored : undefined;
  if (given.type === 'stdio') {
    if (given.env === undefined) return given;
    const env = known?.type === 'stdio' ? known.env : undefined;
    return { ...given, env: restore(given.env, env, `${field}.env`) };
  }
  if (given.headers === undefined) return given;
  const headers = known !== undefined && known.type !== 'stdio' ? known.headers : undefined;
  return { ...given, headers: restore(given.headers, headers, `${field}.headers`) };
}

function isSameServer(one: McpServer, other: McpServer): boolean {
  const target = (server: McpServer) =>
    server.type === 'stdio' ? [server.type, server.command, server.args ?? []] : [server.type, server.url];
  return isDeepStrictEqual(target(one), target(other));
}

function restore(given: Values, stored: Values | undefined, field: string): Values {
  return mapValues(given, (value, name) => {
    if (value !== MASK) return value;
    if (stored !== undefined && Object.hasOwn(stored, name)) return stored[name] ?? value;
    throw maskOfNothing(`${field}.${name}`);
  });
}

function maskOfNothing(field: string): AppError {
  const message = `"${MASK}" is how a value is shown, and there is none here to keep`;
  return new AppError('invalid_request', `${field}: ${message}`, {
    hint: 'give the value itself',
    errors: [{ field, message }],
  });
}

function mapValues<In, Out>(
  values: Record<string, In>,
  change: (value: In, name: string) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
}
