import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * A proxy that is the way out: it wants a password, knows every name, and leads all of them to one port of this machine.
 * `asked` has what it was asked for.
 */
export async function startOutgoingProxy(port: () => number) {
  const asked: string[] = [];
  const open = new Set<Duplex>();
  const knows = (request: IncomingMessage): boolean => {
    asked.push(`${request.method} ${request.url}`);
    return request.headers['proxy-authorization'] === `Basic ${btoa('ada:s3cret@1')}`;
  };
  const proxy = createServer((request, response) => {
    if (!knows(request)) return void response.writeHead(407).end();
    response.end('by the proxy');
  });
  proxy.on('connect', (request: IncomingMessage, client: Duplex) => {
    open.add(client);
    client.on('error', () => {});
    if (!knows(request)) return void client.end('HTTP/1.1 407 who is it\r\n\r\n');
    const target = connect(port(), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 here you are\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    target.on('error', () => client.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    asked,
    url: `http://ada:s3cret%401@${host}`,
    withoutPassword: `http://${host}`,
    [Symbol.dispose]: () => {
      proxy.close();
      proxy.closeAllConnections();
      for (const client of open) client.destroy();
    },
  };
}
