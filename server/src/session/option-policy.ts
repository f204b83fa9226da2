import type { Context } from '../context.ts';
import { AppError, type FieldError } from '../errors.ts';
import type { SessionOptions } from './option-fields.ts';
import { resolveWorkspace } from './workspace.ts';

type Server = Pick<Context, 'config' | 'driver'>;

/** Checks options against what this server allows. @returns them with directories named by their real paths */
export async function applyPolicy(options: SessionOptions, server: Server): Promise<SessionOptions> {
  refuse(bypassRefusal(options, server));
  refuse(stdioRefusal(options, server));
  const { additional_directories } = options;
  if (additional_directories === undefined) return options;
  const resolved = additional_directories.map(
    async (path, index) =>
      await resolveWorkspace(path, server.config.workspaceRoots, `additional_directories.${index}`),
  );
  return { ...options, additional_directories: await Promise.all(resolved) };
}

type Refusal = FieldError & { hint: string };

function refuse(refusal: Refusal | null): void {
  if (refusal === null) return;
  const { field, message, hint } = refusal;
  throw new AppError('invalid_request', `${field}: ${message}`, { hint, errors: [{ field, message }] });
}

/** The agent program refuses to bypass permissions as root, unless something confines it. */
function bypassRefusal({ permission_mode }: SessionOptions, { driver }: Server): Refusal | null {
  if (permission_mode !== 'bypassPermissions' || driver.confines || process.getuid?.() !== 0) return null;
  return {
    field: 'permission_mode',
    message: 'bypassPermissions is not available while the server runs as root without isolation',
    hint: 'start the server as another user, or list what may run in allowed_tools',
  };
}

/** The command of such a server runs without being asked for, with the rights of the agent. */
function stdioRefusal({ mcp_servers = {} }: SessionOptions, { config }: Server): Refusal | null {
  const name = Object.keys(mcp_servers).find((server) => mcp_servers[server]?.type === 'stdio');
  if (name === undefined || config.mcpStdio) return null;
  return {
    field: `mcp_servers.${name}.type`,
    message: 'stdio servers are not allowed on this server; use "http" or "sse"',
    hint: 'GREENROOM_MCP_STDIO=true allows them',
  };
}
