import type { Context } from '../../context.ts';
import { AppError, type FieldError } from '../../ground/errors.ts';
import { type Identity, mayUse } from '../../ground/identity.ts';
import { checkDestination, DestinationRefused } from '../../ground/util/public-address.ts';
import type { SessionOptions } from './fields.ts';
import { noRootsRefusal, resolveWorkspace } from './given-directory.ts';
import { isHostListed, mcpHostProblem, remoteHostOf } from './remote-hosts.ts';

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

/**
 * What whoever asks cannot have here at all, whatever else they ask for: for forms, which say so before it is sent. Null
 * where they can.
 */
export function optionRefusals(
  server: Server,
  asker: Identity,
): Record<'bypass' | 'stdio' | 'network' | 'cwd', Refusal | null> {
  return {
    bypass: bypassRefusal({ permission_mode: 'bypassPermissions' }, server, asker),
    stdio: mayRunPrograms(server) ? null : noPrograms('mcp_servers'),
    network: networkRefusal({ network: { allowed_hosts: [] } }, server) ?? noHostsRefusal(server),
    cwd: noRootsRefusal('cwd', { ...server.config, tenantId: asker.tenantId }),
  };
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

function noHostsRefusal({ config }: Server): Refusal | null {
  if (config.egressHosts.length > 0) return null;
  const message = 'agents of this server may connect to no host';
  return { field: 'network.allowed_hosts', message, hint: listedHosts(config) };
}

function listedHosts({ egressHosts }: Server['config']): string {
  return `allowed: ${egressHosts.join(', ') || 'none'} (GREENROOM_EGRESS_HOSTS)`;
}

/** The command of such a server runs without being asked for, with the rights of the agent. */
function stdioRefusal({ mcp_servers = {} }: SessionOptions, server: Server): Refusal | null {
  const name = Object.keys(mcp_servers).find((one) => mcp_servers[one]?.type === 'stdio');
  return name === undefined || mayRunPrograms(server) ? null : noPrograms(`mcp_servers.${name}.type`);
}

/** Whether MCP servers may be programs. */
export function mayRunPrograms({ config, driver }: Server): boolean {
  return config.mcpStdio ?? driver.confines;
}

function noPrograms(field: string): Refusal {
  return {
    field,
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
