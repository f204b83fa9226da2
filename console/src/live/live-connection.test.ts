import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GreenroomClient, GreenroomError, type StreamEvent } from '../../../client/src/index.ts';
import { eventStream, json, noConnection, scriptedFetch } from '../../../client/test/scripted-fetch.ts';
import { type ConnectionState, LiveConnection, type LiveOptions } from './live-connection.ts';
import { summaries } from './summaries.ts';

const frame = (event: string, data: object, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify({ kind: event, ...data })}\n\n`;
const ready = frame('ready', { data: { sessions: 0, now: new Date().toISOString() } });
const turn = (sessionId: string, seq: number): string =>
  frame('turn', { session_id: sessionId, seq, data: {} }, `${sessionId}:${seq}`);

function connect(answers: Parameters<typeof scriptedFetch>, options: Partial<LiveOptions> = {}) {
  const { fetch, sent } = scriptedFetch(...answers);
  const client = new GreenroomClient({ baseUrl: 'http://greenroom.test', fetch, maxRetries: 0 });
  const connection = new LiveConnection({ client, random: () => 1, ...options });
  const states: ConnectionState['name'][] = [];
  connection.state.subscribe(() => states.push(connection.state.get().name));
  const reached = async (name: ConnectionState['name']): Promise<void> => {
    while (connection.state.get().name !== name) {
      await new Promise<void>((resolve) => {
        const stop = connection.state.subscribe(() => {
          stop();
          resolve();
        });
      });
    }
  };
  return { connection, sent, states, reached };
}

/** Follows a session, and tells of each event. */
function follower(after = 0) {
  const seen: number[] = [];
  let heard: (() => void) | null = null;
  return {
    seen,
    after: (): number => seen.at(-1) ?? after,
    take: (event: StreamEvent): void => {
      if ('seq' in event) seen.push(event.seq);
      heard?.();
    },
    end: (): void => heard?.(),
    next: async (): Promise<void> =>
      await new Promise<void>((resolve) => {
        heard = resolve;
      }),
  };
}

const place = (url: string): string | null => new URL(url).searchParams.get('after');

describe('the stream of a tab', () => {
  it('is live when something came, not when the answer began', async () => {
    const { connection, states, reached } = connect([eventStream('open', ready)]);
    connection.start();
    await reached('live');
    assert.deepEqual(states, ['connecting', 'live']);
    connection.stop();
    assert.equal(connection.state.get().name, 'stopped');
  });

  it('goes on behind what a follower has, whoever comes and goes', async () => {
    const { connection, sent, reached } = connect([
      eventStream('open', ready),
      eventStream('open', ready, turn('a', 4), turn('a', 5)),
      eventStream('open', ready, turn('b', 1)),
    ]);
    connection.start();
    await reached('live');
    const a = follower(3);
    const heard = a.next();
    connection.follow('a', a);
    await heard;
    while (a.seen.length < 2) await a.next();
    const b = follower();
    const heardB = b.next();
    connection.follow('b', b);
    await heardB;
    assert.deepEqual([a.seen, b.seen], [[4, 5], [1]]);
    assert.deepEqual(
      sent.map(({ url }) => place(url)),
      [null, 'a:3', 'a:5,b:0'],
    );
    connection.stop();
  });

  it('tries again by itself, and at once when it is woken', async () => {
    const { connection, states, reached } = connect([noConnection, eventStream('open', ready)]);
    connection.start();
    await reached('waiting');
    connection.wake();
    await reached('live');
    assert.deepEqual(states, ['connecting', 'waiting', 'connecting', 'live']);
    connection.stop();
  });

  it('stops where a key is wanted, and says so', async () => {
    let isSignedOut = false;
    const { connection, reached } = connect([json(401, { code: 'unauthorized' })], {
      isSignedOut: (error) => error instanceof GreenroomError && error.status === 401,
      onSignedOut: () => {
        isSignedOut = true;
      },
    });
    connection.start();
    await reached('connecting');
    await reached('stopped');
    assert.ok(isSignedOut);
  });

  it('keeps the streams of others when a follower fails', async () => {
    const faults: unknown[] = [];
    const { connection } = connect([eventStream('open', ready, turn('a', 1))], {
      onFollowerError: (error) => faults.push(error),
    });
    const broken = { after: () => 0, end: () => {}, take: () => assert.fail('broken') };
    const whole = follower();
    const heard = whole.next();
    connection.follow('a', broken);
    connection.follow('a', whole);
    connection.start();
    await heard;
    assert.deepEqual([whole.seen, faults.length], [[1], 1]);
    connection.stop();
  });

  it('forgets how a session stood that is gone', async () => {
    const summary = { session_id: 'a', last_seq: 1, updated_at: '2026-01-01T00:00:00.000Z' };
    const { connection, reached } = connect([
      eventStream(
        'open',
        frame('summary', { session_id: 'a', data: summary }),
        frame('end', { session_id: 'a', data: { reason: 'deleted' } }),
        ready,
      ),
    ]);
    const told: (number | undefined)[] = [];
    summaries.subscribe('a', () => told.push(summaries.get('a')?.last_seq));
    const watcher = follower();
    const ended = watcher.next();
    connection.follow('a', watcher);
    connection.start();
    await reached('live');
    await ended;
    assert.deepEqual(told, [1, undefined]);
    connection.stop();
  });
});
