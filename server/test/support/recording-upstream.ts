import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { startDemoModel } from '../../src/engine/gateway/demo-model/demo-model.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into requests freely
export type ModelRequest = { headers: IncomingHttpHeaders; body: any; text: string };

/** The demo model behind a proxy that keeps what the agents asked. */
export async function startRecordingUpstream({ tokensPerSecond = Number.POSITIVE_INFINITY } = {}) {
  await using stack = new AsyncDisposableStack();
  const demo = stack.use(await startDemoModel({ tokensPerSecond }));
  const requests: ModelRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bytes = await buffer(request);
    const text = bytes.toString();
    // Not what it asks about the size of a prompt.
    if (!request.url?.includes('count_tokens')) {
      requests.push({ headers: request.headers, body: JSON.parse(text), text });
    }
    const answered = await fetch(demo.url + request.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'anthropic-beta': String(request.headers['anthropic-beta'] ?? ''),
      },
      body: bytes,
    });
    response.writeHead(answered.status, { 'content-type': answered.headers.get('content-type') ?? '' });
    await pipeline(Readable.from(answered.body ?? []), response);
  };
  // Who asked may have gone.
  const proxy = createServer((request, response) =>
    answer(request, response).catch(() => response.destroy()),
  );
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
