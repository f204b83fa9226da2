import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { proxyAuthorization } from '../../ground/util/outgoing-proxy.ts';

const CONNECT_PATIENCE_MS = 10_000;
/** The proxy has to reach the target first. */
const TUNNEL_PATIENCE_MS = 30_000;

/** A connection to an address, or to a host that the operator named. */
export async function connectTo(host: string, port: number): Promise<Socket> {
  return await opened(connect({ host, port }), 'connect');
}

/** A connection to a proxy, for requests that name their target whole. */
export async function openProxy(proxy: URL): Promise<Socket> {
  const host = proxy.hostname.replace(/^\[(.*)\]$/, '$1');
  if (proxy.protocol === 'http:') return await connectTo(host, Number(proxy.port || 80));
  const socket = connectTls({ host, port: Number(proxy.port || 443), servername: host });
  return await opened(socket, 'secureConnect');
}

/** A connection through a proxy. It fails where the proxy does not let it through. */
export async function openTunnel(proxy: URL, target: { host: string; port: number }): Promise<Socket> {
  const path = `${target.host}:${target.port}`;
  const socket = await openProxy(proxy);
  const asked = httpRequest({
    createConnection: () => socket,
    method: 'CONNECT',
    path,
    headers: { host: path, ...proxyHeaders(proxy) },
    signal: AbortSignal.timeout(TUNNEL_PATIENCE_MS),
  });
  asked.end();
  const [answer, tunnel, head] = (await once(asked, 'connect')) as [IncomingMessage, Socket, Buffer];
  if (answer.statusCode !== 200) {
    tunnel.destroy();
    throw new Error(`the proxy answered ${answer.statusCode}`);
  }
  if (head.length > 0) tunnel.unshift(head);
  return tunnel;
}

export function proxyHeaders(proxy: URL | null): Record<string, string> {
  const authorization = proxy === null ? null : proxyAuthorization(proxy);
  return authorization === null ? {} : { 'proxy-authorization': authorization };
}

async function opened<Opened extends Socket>(socket: Opened, event: string): Promise<Opened> {
  try {
    await once(socket, event, { signal: AbortSignal.timeout(CONNECT_PATIENCE_MS) });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
