import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Slots } from '../ground/util/slots.ts';
import type { SessionSummary } from '../session/summary/summary.ts';
import { type MultiplexedRequest, MultiplexedStream } from './multiplexed.ts';

const MANY = 5_000;

const idOf = (n: number): string => `019f2d3c-4a5b-7c6d-8e9f-${String(n).padStart(12, '0')}`;

function summary(n: number, changes: Partial<SessionSummary> = {}): SessionSummary {
  const at = '2026-12-01T00:00:00.000Z';
  return {
    session_id: idOf(n),
    state: 'idle',
    status: 'completed',
    waiting_for: null,
    pending_approvals: 0,
    activity: null,
    title: null,
    prompt: 'hello',
    model: null,
    permission_mode: 'default',
    metadata: {},
    metadata_omitted: 0,
    archived: false,
    pinned: false,
    read_seq: 0,
    marked_at: null,
    error: null,
    cost_usd: 0,
    tokens: { input: 0, output: 0, total: 0 },
    turn_count: 1,
    message_count: 1,
    last_seq: 1,
    parent_id: null,
    api_key_id: null,
    created_at: at,
    started_at: at,
    ended_at: at,
    updated_at: at,
    ...changes,
  };
}

/** A stream whose client reads at once, over lists that are empty unless `stored` has something. */
async function open(request: Partial<MultiplexedRequest> = {}) {
  const frames: { event: string; id: string | undefined }[] = [];
  const asked: string[] = [];
  let ready = Promise.withResolvers<void>();
  const stream = new MultiplexedStream(
    {
      reader: { tenantId: 'default', name: 'local' },
      sessions: new Map(),
      statuses: null,
      isArchived: null,
      limit: 100,
      selection: { kinds: null, deltas: false },
      ...request,
    },
    {
      connection: {
        write: (bytes: Buffer) => {
          const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(bytes.toString()) ?? [];
          frames.push({ event, id: JSON.parse(data).session_id });
          if (event === 'ready') ready.resolve();
          return true;
        },
        drained: async () => true,
        destroy: () => assert.fail('the stream was cut off'),
      },
      summaries: {
        list: async () => ({ summaries: [], next: null }),
        find: async (_reader: unknown, ids: readonly string[]) => {
          asked.push(...ids);
          return { summaries: [], gone: [], deleted: [] };
        },
        readClock: async () => new Date(0),
      },
      channel: () => assert.fail('no session was named'),
      holds: new Slots(1),
      findRange: async () => undefined,
      onError: (error: unknown) => assert.fail(String(error)),
    },
  );
  await ready.promise;
  frames.length = 0;
  return {
    stream,
    frames,
    asked,
    startOver: async () => {
      ready = Promise.withResolvers();
      stream.startOver();
      await ready.promise;
    },
  };
}

const news = (summaries: SessionSummary[]) => ({ summaries, gone: [], deleted: [] });

describe('a stream of many sessions', () => {
  it('remembers no more sessions than a snapshot may have, however many change while it is open', async () => {
    const { stream, frames, asked, startOver } = await open();
    for (let n = 0; n < MANY; n++) stream.show(news([summary(n)]));
    assert.equal(frames.length, MANY);
    await startOver();
    assert.equal(asked.length, 1_000);
    assert.deepEqual([asked[0], asked.at(-1)], [idOf(MANY - 1_000), idOf(MANY - 1)]);
  });

  it('shows once what changed once, and what it forgot once more', async () => {
    const { stream, frames } = await open();
    for (let n = 0; n < MANY; n++) stream.show(news([summary(n)]));
    frames.length = 0;
    stream.show(news([summary(MANY - 1)]));
    assert.deepEqual(frames, []);
    stream.show(news([summary(0)]));
    assert.deepEqual(frames, [{ event: 'summary', id: idOf(0) }]);
  });

  it('tells of a session that leaves its selection, also if it forgot that it was in it', async () => {
    const { stream, frames } = await open({ isArchived: false });
    for (let n = 0; n < MANY; n++) stream.show(news([summary(n)]));
    frames.length = 0;
    for (const n of [0, MANY - 1]) stream.show(news([summary(n, { archived: true })]));
    assert.deepEqual(
      frames.map(({ id }) => id),
      [idOf(0), idOf(MANY - 1)],
    );
  });

  it('tells the end of what was deleted, whether it had shown it or not, and nothing of what is not its own', async () => {
    const { stream, frames } = await open();
    const gone = [idOf(1), idOf(2)];
    stream.show({ summaries: [], gone, deleted: [idOf(1)] });
    assert.deepEqual(frames, [{ event: 'end', id: idOf(1) }]);
  });
});
