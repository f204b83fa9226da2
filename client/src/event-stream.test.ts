import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  eventStream,
  json,
  noConnection,
  type Sent,
  scriptedFetch,
  silence,
} from '../test/scripted-fetch.ts';
import { GreenroomConnectionError, GreenroomError } from './errors.ts';
import { readStream, type StreamConnection } from './event-stream.ts';
import { Http } from './http.ts';
import type { ServerSentEvent } from './sse.ts';

type Read = { stream: AsyncGenerator<ServerSentEvent, void>; sent: Sent[]; waits: number[] };

function read(
  answers: Parameters<typeof scriptedFetch>,
  options: { signal?: AbortSignal; idleMs?: number } = {},
): Read {
  const { fetch, sent } = scriptedFetch(...answers);
  const waits: number[] = [];
  const http = new Http({ baseUrl: 'http://greenroom.test', fetch, maxRetries: 2 });
  const wait = async (ms: number): Promise<void> => void waits.push(ms);
  const source = { path: '/events', query: { after: 3 }, signal: options.signal };
  return { stream: readStream(http, source, { wait, idleMs: options.idleMs ?? 10_000 }), sent, waits };
}

/** Reads up to an `end`. */
async function ids(stream: AsyncIterable<ServerSentEvent>): Promise<string[]> {
  const read: string[] = [];
  for await (const { type, id } of stream) {
    read.push(id);
    if (type === 'end') break;
  }
  return read;
}

const message = (id: number): string => `id: ${id}\nevent: turn\ndata: {}\n\n`;
const end = 'event: end\ndata: {}\n\n';

describe('a stream', () => {
  it('goes on behind the last message when its connection is closed, breaks or falls silent', async () => {
    const { stream, sent } = read(
      [
        eventStream('closed', message(4)),
        eventStream('broken', message(5), ': half a mess'),
        eventStream('open', message(6)),
        eventStream('open', message(7), end),
      ],
      { idleMs: 5 },
    );
    assert.deepEqual(await ids(stream), ['4', '5', '6', '7', '7']);
    assert.deepEqual(
      sent.map(({ headers }) => headers.get('last-event-id')),
      [null, '4', '5', '6'],
    );
  });

  it('takes comments for life', async () => {
    const beats = Array.from({ length: 20 }, () => ': beat\n\n');
    const { stream, sent } = read([eventStream('open', ...beats, message(4), end)], { idleMs: 1_000 });
    assert.deepEqual(await ids(stream), ['4', '4']);
    assert.equal(sent.length, 1);
  });

  it('waits longer after each failure and starts again with the first message, from what the server said', async () => {
    const { stream, waits } = read([
      eventStream('closed', 'retry: 1000\n\n', message(4)),
      noConnection,
      json(502, {}),
      json(429, {}, { 'retry-after': '30' }),
      eventStream('closed', message(5)),
      eventStream('open', end),
    ]);
    await ids(stream);
    const limits = [1_000, 2_000, 4_000, 31_000, 1_000];
    assert.equal(waits.length, limits.length);
    for (const [index, ms] of waits.entries()) {
      const limit = limits[index] ?? 0;
      assert.ok(ms <= limit && ms >= (limit > 30_000 ? 30_000 : limit / 2), `${index}: ${ms}`);
    }
  });

  it('throws what another try would not mend', async () => {
    for (const answer of [json(404, { code: 'not_found' }), json(401, {}), json(200, { an: 'answer' })]) {
      const { stream, sent } = read([eventStream('closed', message(4)), answer]);
      await assert.rejects(ids(stream), GreenroomError);
      assert.equal(sent.length, 2);
    }
  });

  it('tells how its connection stands', async () => {
    const { fetch } = scriptedFetch(
      eventStream('closed', message(4)),
      noConnection,
      eventStream('open', message(5), end),
    );
    const told: StreamConnection[] = [];
    const http = new Http({ baseUrl: 'http://greenroom.test', fetch });
    const source = { path: '/events', query: {}, onConnection: (now: StreamConnection) => told.push(now) };
    await ids(readStream(http, source, { wait: async () => {} }));
    assert.deepEqual(
      told.map((now) => [now.state, 'attempt' in now ? now.attempt : null]),
      [
        ['connecting', 0],
        ['open', null],
        ['waiting', 1],
        ['connecting', 1],
        ['waiting', 2],
        ['connecting', 2],
        ['open', null],
      ],
    );
    const [lost, refused] = told.flatMap((now) => (now.state === 'waiting' ? [now] : []));
    assert.equal(lost?.error, null);
    assert.match(String(refused?.error), /ECONNREFUSED/);
  });

  it('gives up on a server that it never reached, and on none that it did', async () => {
    const never = read([noConnection, noConnection, noConnection]);
    await assert.rejects(ids(never.stream), GreenroomConnectionError);
    const failures = Array.from({ length: 50 }, () => noConnection);
    const once = read([eventStream('closed'), ...failures, eventStream('open', end)]);
    assert.equal((await ids(once.stream)).length, 1);
  });

  it('ends without an error when its signal aborts: while it connects, reads or waits', async () => {
    for (const answers of [[silence], [eventStream('open', message(4))]]) {
      const controller = new AbortController();
      const { stream } = read(answers as Parameters<typeof scriptedFetch>, { signal: controller.signal });
      const reading = ids(stream);
      setImmediate(() => controller.abort());
      await reading;
    }
    const controller = new AbortController();
    const { fetch } = scriptedFetch(eventStream('closed', message(4)));
    const http = new Http({ baseUrl: 'http://greenroom.test', fetch });
    const stream = readStream(http, { path: '/events', query: {}, signal: controller.signal });
    await stream.next();
    const waiting = stream.next();
    setImmediate(() => controller.abort());
    assert.deepEqual(await waiting, { done: true, value: undefined });
  });

  it('closes its connection when the reader leaves the loop', async () => {
    let isClosed = false;
    const { stream } = read([
      (sent, signal) => {
        signal.addEventListener('abort', () => {
          isClosed = true;
        });
        return eventStream('open', message(4))(sent, signal);
      },
    ]);
    for await (const _ of stream) break;
    assert.ok(isClosed);
  });
});
