import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { coversName } from '../../ground/util/host-name.ts';
import { type ProxySettings, proxyFor } from '../../ground/util/outgoing-proxy.ts';
import {
  type DestinationPolicy,
  DestinationRefused,
  isPrivateName,
  type ResolvedAddress,
  resolvePublic,
} from '../../ground/util/public-address.ts';
import { connectTo, openProxy, openTunnel, proxyHeaders } from './proxy-tunnel.ts';

/** A place that an agent may connect to. */
export type EgressRule = {
  /** A name or an address; `*.example.com` is every name below it. */
  host: string;
  port: number;
  /** It may lie in a private network: whoever named it is trusted with that. */
  mayBePrivate: boolean;
};

export type EgressPlan = {
  rules: readonly EgressRule[];
  /** Names, addresses and ranges that may be reached although they are private. */
  allowedPrivateHosts: readonly string[];
  /** What leads out of this network. */
  proxies: ProxySettings;
};

const MAX_CONNECTIONS = 256;

/**
 * The way out of one sandbox: an HTTP proxy on a socket, for the few places that its session may reach. What a name
 * leads to is checked when it is asked for, and exactly that address is connected to.
 *
 * @returns what ends it, and every connection through it
 */
export async function startEgressProxy(socketPath: string, plan: EgressPlan): Promise<() => void> {
  const open = new Set<Duplex>();
  const server = createServer((request, response) => void forward(request, response, plan));
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    open.add(client.once('close', () => open.delete(client)));
    void tunnel(request, client, { head, plan });
  });
  // Its directory says who comes in: the agent may be another user than the server.
  server.listen({ path: socketPath, readableAll: true, writableAll: true });
  await once(server, 'listening');
  return () => {
    server.close();
    server.closeAllConnections();
    for (const client of open) client.destroy();
  };
}

type Target = { host: string; port: number };

async function tunnel(
  request: IncomingMessage,
  client: Duplex,
  { head, plan }: { head: Buffer; plan: EgressPlan },
): Promise<void> {
  client.on('error', () => {}); // the agent went away
  let server: Socket;
  try {
    const target = targetOf(request.url ?? '');
    // By CONNECT programs ask for TLS, whatever the port.
    const way = await findWay(target, { plan, protocol: 'https:' });
    server =
      way.proxy === null
        ? await connectToOne(way.addresses, target.port)
        : await openTunnel(way.proxy, target);
  } catch (error) {
    const { status, text } = refusal(error);
    client.end(`HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${text}\n`);
    return;
  }
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  server.write(head);
  await Promise.allSettled([pipeline(client, server), pipeline(server, client)]);
  server.destroy();
  client.destroy();
}

function targetOf(text: string): Target {
  if (!URL.canParse(`http://${text}`)) throw new DestinationRefused('is no host with a port');
  const { hostname, port } = new URL(`http://${text}`);
  return { host: hostname, port: Number(port || 80) };
}

/** A request without TLS: it names its target whole. */
async function forward(request: IncomingMessage, response: ServerResponse, plan: EgressPlan): Promise<void> {
  try {
    const url = URL.parse(request.url ?? '');
    if (url?.protocol !== 'http:') throw new DestinationRefused('cannot be reached without CONNECT');
    const target = { host: url.hostname, port: Number(url.port || 80) };
    const { proxy, addresses } = await findWay(target, { plan, protocol: 'http:' });
    const socket = proxy === null ? await connectToOne(addresses, target.port) : await openProxy(proxy);
    const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers;
    const upstream = httpRequest({
      createConnection: () => socket,
      method: request.method,
      path: proxy === null ? url.pathname + url.search : url.href,
      headers: { ...headers, ...proxyHeaders(proxy), host: url.host, connection: 'close' },
    });
    const answered = once(upstream, 'response') as Promise<[IncomingMessage]>;
    const [, [answer]] = await Promise.all([pipeline(request, upstream), answered]);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    await pipeline(answer, response);
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const { status, text } = refusal(error);
    response.writeHead(Number.parseInt(status, 10), { 'content-type': 'text/plain' }).end(`${text}\n`);
  }
}

/** To a target directly, by what it leads to now, or through a proxy that looks it up itself. */
type Way = { proxy: null; addresses: readonly ResolvedAddress[] } | { proxy: URL; addresses: readonly [] };

/** @throws DestinationRefused */
async function findWay(
  target: Target,
  { plan, protocol }: { plan: EgressPlan; protocol: 'http:' | 'https:' },
): Promise<Way> {
  const rule = plan.rules.find((candidate) => covers(candidate, target));
  if (rule === undefined) throw new DestinationRefused('is not among the hosts that this session may reach');
  const { allowedPrivateHosts } = plan;
  const allowed = rule.mayBePrivate ? [...allowedPrivateHosts, target.host] : allowedPrivateHosts;
  const policy = { allowedPrivateHosts: allowed.map(bare) };
  const proxy = proxyFor(new URL(`${protocol}//${target.host}:${target.port}`), plan.proxies);
  if (proxy === null) return { proxy, addresses: await resolvePublic(bare(target.host), policy) };
  await checkForProxy(bare(target.host), policy);
  return { proxy, addresses: [] };
}

/** A name that only the proxy can look up is the proxy's to judge, unless it is one that no public name server has. */
async function checkForProxy(host: string, policy: DestinationPolicy): Promise<void> {
  try {
    await resolvePublic(host, policy);
  } catch (error) {
    const isUnknown = error instanceof DestinationRefused && error.cause !== undefined;
    if (!isUnknown || (isPrivateName(host) && !policy.allowedPrivateHosts.includes(host))) throw error;
  }
}

async function connectToOne(addresses: readonly ResolvedAddress[], port: number): Promise<Socket> {
  let failure: unknown = new DestinationRefused('has a host that has no address');
  for (const { address } of addresses) {
    try {
      return await connectTo(address, port);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

export function covers(rule: Pick<EgressRule, 'host' | 'port'>, target: Target): boolean {
  return rule.port === target.port && coversName(rule.host, target.host);
}

/** An IPv6 address without the brackets that it has in a URL. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function refusal(error: unknown): { status: string; text: string } {
  if (error instanceof DestinationRefused)
    return { status: '403 Forbidden', text: `Greenroom: it ${error.message}` };
  return { status: '502 Bad Gateway', text: 'Greenroom: the host could not be reached' };
}
