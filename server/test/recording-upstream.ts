import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { startDemoModel } from '../src/gateway/demo-model/demo-model.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into requests freely
export type ModelRequest = { headers: IncomingHttpHeaders; body: any; text: string };

/** The demo model behind a proxy that keeps what the agents asked. */
export async function startRecordingUpstream() {
  await using stack = new AsyncDisposableStack();
  const demo = stack.use(await startDemoModel({ tokensPerSecond: Number.POSITIVE_INFINITY }));
  const requests: ModelRequest[] = [];
  const proxy = createServer(async (request, response) => {
    const bytes = await buffer(request);
    const text = bytes.toString();
    // Not what it asks about the size of a prompt.
    if (!request.url?.includes('count_tokens')) {
      requests.push({ headers: request.headers, body: JSON.parse(text), text });
    }
    const answer = await fetch(demo.url + request.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'anthropic-beta': String(request.headers['anthropic-beta'] ?? ''),
      },
      body: bytes,
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    await pipeline(Readable.from(answer.body ?? []), response).catch(() => {});
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  stack.defer(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const resources = stack.move();
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}
