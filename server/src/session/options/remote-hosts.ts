import type { Config } from '../../ground/config/config.ts';
import { coversName } from '../../ground/util/host-name.ts';
import { isAddressIn } from '../../ground/util/ip-address.ts';
import type { SessionOptions } from './fields.ts';

/** What the operator lets sessions connect to. */
export type HostPolicy = Pick<Config, 'egressHosts' | 'allowedPrivateHosts'>;

export type RemoteHost = { host: string; port: number };

export const HTTPS_PORT = 443;
export const HTTP_PORT = 80;

/** Where a URL of http or https leads to. */
export function remoteHostOf(url: string): RemoteHost {
  const { hostname: host, port, protocol } = new URL(url);
  return { host, port: Number(port || (protocol === 'https:' ? HTTPS_PORT : HTTP_PORT)) };
}

/** Whether sessions may name a host, or a pattern of hosts. */
export function isHostListed(host: string, { egressHosts }: HostPolicy): boolean {
  return egressHosts.some((pattern) => coversName(pattern, host));
}

/** Why the session of an API key may not have an MCP server there; null where it may. */
export function mcpHostProblem({ host, port }: RemoteHost, policy: HostPolicy): string | null {
  if (isNamed(host, policy.allowedPrivateHosts)) return null;
  if (!isHostListed(host, policy)) return `agents of this server may not connect to ${host}`;
  if (port === HTTPS_PORT || port === HTTP_PORT) return null;
  return `agents of this server may connect to ports ${HTTPS_PORT} and ${HTTP_PORT}, not to ${port}`;
}

/**
 * What a session has that it may not have any more; null where there is nothing. It may have been started where more was
 * allowed. `isLocal`: by the local user, who may reach what the server may.
 */
export function revokedHost(
  { network, mcp_servers = {} }: SessionOptions,
  { policy, isLocal }: { policy: HostPolicy; isLocal: boolean },
): string | null {
  const host = network?.allowed_hosts.find((name) => !isHostListed(name, policy));
  if (host !== undefined) return `network.allowed_hosts: agents of this server may not connect to ${host}`;
  if (isLocal) return null;
  for (const [name, server] of Object.entries(mcp_servers)) {
    const problem = server.type === 'stdio' ? null : mcpHostProblem(remoteHostOf(server.url), policy);
    if (problem !== null) return `mcp_servers.${name}: ${problem}`;
  }
  return null;
}

function isNamed(host: string, hosts: readonly string[]): boolean {
  return hosts.some((one) => one.toLowerCase() === host.replace(/\.$/, '')) || isAddressIn(host, hosts);
}
