import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startDemoModel } from '../../src/engine/gateway/demo-model/demo-model.ts';

/**
 * Where a request is held: before it is answered; when half of a text was written; or when a whole call of a tool was, and the
 * message not yet ended.
 */
export type Hold = { request: number; at: 'the question' | 'half the text' | 'the call' };

/** The demo model behind a gate: requests that name a key can be held, each once. */
export class GateModel {
  readonly url: string;
  readonly #holds = new Map<string, Hold>();
  readonly #asked = new Map<string, number>();
  readonly #held = new Set<string>();

  constructor(url: string) {
    this.url = url;
  }

  /** Of the requests that have the key in them, one is held for as long as whoever asks waits. */
  hold(key: string, where: Hold): void {
    this.#holds.set(key, where);
  }

  /** Whether it was. */
  holds(key: string): boolean {
    return this.#held.has(key);
  }

  /** How often a request was made that has the key in it. */
  asked(key: string): number {
    return this.#asked.get(key) ?? 0;
  }

  async answer(
    { url: path = '', headers }: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    demoUrl: string,
  ): Promise<void> {
    const key = path.includes('count_tokens') ? undefined : this.#keyIn(body.toString());
    const hold = key === undefined ? undefined : this.#take(key);
    if (key !== undefined && hold?.at === 'the question') return void this.#held.add(key);
    const answer = await fetch(demoUrl + path, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'anthropic-beta': String(headers['anthropic-beta'] ?? ''),
      },
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    const text = await answer.text();
    if (key === undefined || hold === undefined) return void response.end(text);
    for (const event of beginning(text, hold.at)) response.write(event);
    this.#held.add(key);
  }

  #keyIn(text: string): string | undefined {
    return [...this.#holds.keys()].find((key) => text.includes(key));
  }

  #take(key: string): Hold | undefined {
    const count = this.asked(key) + 1;
    this.#asked.set(key, count);
    const hold = this.#holds.get(key);
    return hold?.request === count ? hold : undefined;
  }
}

/** Of a stream of events. */
function beginning(stream: string, at: Hold['at']): string[] {
  const events = stream.split(/(?<=\n\n)/);
  const of = (type: string): number[] =>
    events.flatMap((event, index) => (event.includes(`"type":"${type}"`) ? [index] : []));
  const deltas = of('content_block_delta');
  const end = at === 'the call' ? of('content_block_stop').at(-1) : deltas[Math.floor(deltas.length / 2)];
  return events.slice(0, (end ?? 0) + 1);
}

export async function startGateModel(): Promise<GateModel & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const demo = stack.use(await startDemoModel({ tokensPerSecond: Number.POSITIVE_INFINITY }));
  const server = createServer(async (request, response) => {
    await gate.answer(request, await buffer(request), response, demo.url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const gate = new GateModel(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const resources = stack.move();
  return Object.assign(gate, {
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  });
}
