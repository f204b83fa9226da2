import { type Identity, mayUse } from '../api-key/identity.ts';
import type { Context } from '../context.ts';
import { AppError, type FieldError } from '../errors.ts';
import { checkDestination, DestinationRefused } from '../util/public-address.ts';
import type { SessionOptions } from './option-fields.ts';
import { isHostListed, mcpHostProblem, remoteHostOf } from './remote-hosts.ts';
import { resolveWorkspace } from './workspace.ts';

type Server = Pick<Context, 'config' | 'driver'>;

/** Checks options against what this server allows whoever asks. @returns them with directories named by their real paths */
export async function applyPolicy(
  options: SessionOptions,
  server: Server,
  asker: Identity,
): Promise<SessionOptions> {
  refuse(bypassRefusal(options, server, asker));
  refuse(stdioRefusal(options, server));
  refuse(networkRefusal(options, server));
  refuse(await remoteRefusal(options, server, asker));
  const { additional_directories } = options;
  if (additional_directories === undefined) return options;
  const limits = { workspaceRoots: server.config.workspaceRoots, tenantId: asker.tenantId };
  const resolved = additional_directories.map(
    async (path, index) => await resolveWorkspace(path, limits, `additional_directories.${index}`),
  );
  return { ...options, additional_directories: await Promise.all(resolved) };
}

type Refusal = FieldError & { hint: string };

function refuse(refusal: Refusal | null): void {
  if (refusal === null) return;
  const { field, message, hint } = refusal;
  throw new AppError('invalid_request', `${field}: ${message}`, { hint, errors: [{ field, message }] });
}

/** Such an agent is held by nothing but what it runs inside. */
function bypassRefusal(
  { permission_mode }: SessionOptions,
  { driver }: Server,
  asker: Identity,
): Refusal | null {
  if (permission_mode !== 'bypassPermissions') return null;
  if (!driver.confines) {
    return {
      field: 'permission_mode',
      message: 'bypassPermissions is not available while agents run without isolation',
      hint: 'list what may run in allowed_tools, or start the server with isolation (see docs/security.md)',
    };
  }
  if (mayUse(asker, 'sessions:bypass')) return null;
  return {
    field: 'permission_mode',
    message: 'bypassPermissions needs a key with the scope sessions:bypass',
    hint: 'list what may run in allowed_tools, or use a key that has the scope',
  };
}

/** Without isolation an agent reaches what the server reaches: a list would promise what nothing keeps. */
function networkRefusal({ network }: SessionOptions, { config, driver }: Server): Refusal | null {
  if (network === undefined) return null;
  if (!driver.confines) {
    return {
      field: 'network',
      message: 'hosts can only be allowed to isolated agents; others are not held back at all',
      hint: 'leave it out, or start the server with isolation (see docs/isolation.md)',
    };
  }
  const refused = network.allowed_hosts.findIndex((host) => !isHostListed(host, config));
  if (refused === -1) return null;
  return {
    field: `network.allowed_hosts.${refused}`,
    message: `agents of this server may not connect to ${network.allowed_hosts[refused]}`,
    hint: listedHosts(config),
  };
}

function listedHosts({ egressHosts }: Server['config']): string {
  return `allowed: ${egressHosts.join(', ') || 'none'} (GREENROOM_EGRESS_HOSTS)`;
}

/** The command of such a server runs without being asked for, with the rights of the agent. */
function stdioRefusal({ mcp_servers = {} }: SessionOptions, { config, driver }: Server): Refusal | null {
  const name = Object.keys(mcp_servers).find((server) => mcp_servers[server]?.type === 'stdio');
  if (name === undefined || (config.mcpStdio ?? driver.confines)) return null;
  return {
    field: `mcp_servers.${name}.type`,
    message: 'stdio servers are not allowed on this server; use "http" or "sse"',
    hint: 'GREENROOM_MCP_STDIO=true allows them',
  };
}

/** The local user may reach what the server may: it is their machine. A key may be anybody's. */
async function remoteRefusal(
  { mcp_servers = {} }: SessionOptions,
  { config }: Server,
  { apiKeyId }: Identity,
): Promise<Refusal | null> {
  if (apiKeyId === null) return null;
  for (const [name, server] of Object.entries(mcp_servers)) {
    if (server.type === 'stdio') continue;
    const problem = mcpHostProblem(remoteHostOf(server.url), config);
    if (problem !== null) {
      return { field: `mcp_servers.${name}.url`, message: problem, hint: listedHosts(config) };
    }
    try {
      await checkDestination(server.url, config);
    } catch (error) {
      if (!(error instanceof DestinationRefused)) throw error;
      return {
        field: `mcp_servers.${name}.url`,
        message: error.message,
        hint: 'the operator of this server can list the host in GREENROOM_ALLOWED_PRIVATE_HOSTS',
      };
    }
  }
  return null;
}
