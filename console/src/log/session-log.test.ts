import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventPage, EventQuery, SessionEvent, StreamEvent } from '@greenroom/client';
import type { Follower } from '../live/live-connection.ts';
import { MAIN } from './item-lists.ts';
import { type News, orderOf, SessionLog } from './session-log.ts';

const said = (seq: number): SessionEvent =>
  ({
    seq,
    kind: 'sdk',
    turn_id: 't1',
    at: new Date(seq).toISOString(),
    data: {
      type: 'assistant',
      uuid: `u${seq}`,
      message: { id: `m${seq}`, content: [{ type: 'text', text: `${seq}` }] },
    },
  }) as unknown as SessionEvent;

const ended = (seq: number): SessionEvent =>
  ({
    seq,
    kind: 'turn',
    turn_id: 't1',
    at: new Date(seq).toISOString(),
    data: { turn: 1, phase: 'ended', state: 'completed', error: null, cost_usd: 0 },
  }) as unknown as SessionEvent;

const approval = (seq: number, status: string): SessionEvent =>
  ({
    seq,
    kind: 'approval',
    turn_id: 't1',
    at: new Date(seq).toISOString(),
    data: {
      phase: status === 'pending' ? 'requested' : 'decided',
      approval: { approval_id: 'a1', tool_use_id: 'u1', kind: 'tool', input: {}, status },
    },
  }) as unknown as SessionEvent;

const piece = (text: string, offset: number): StreamEvent => ({
  kind: 'delta',
  turn_id: 't2',
  data: {
    message_id: 'm',
    parent_tool_use_id: null,
    index: 0,
    block: 'text',
    offset,
    text,
    tool: null,
  },
});

/** A server with so many events, a stream that the test feeds, and frames that it ends. */
function setUp({ count = 500, pageSize = 1_000 }: { count?: number; pageSize?: number } = {}) {
  const stored = Array.from({ length: count }, (_, index) => said(index + 1));
  const followers = new Set<Follower>();
  const frames: (() => void)[] = [];
  const news: News[][] = [];
  const approvals: string[] = [];
  const queries: EventQuery[] = [];
  let failure: Error | null = null;
  const readPage = async (query: EventQuery): Promise<EventPage> => {
    queries.push(query);
    await Promise.resolve();
    if (failure !== null) throw failure;
    const { before = Number.POSITIVE_INFINITY, limit = 100 } = query;
    const found = stored.filter(({ seq }) => seq < before).toReversed();
    const events = found.slice(0, Math.min(limit, pageSize));
    return { session_id: 's', last_seq: stored.length, has_more: events.length < found.length, events };
  };
  const log = new SessionLog({
    readPage,
    follow: (follower) => {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    onNews: (kinds) => news.push([...kinds]),
    onApproval: ({ approval_id, status }) => void approvals.push(`${approval_id} ${status}`),
    schedule: (work) => frames.push(work),
    later: (work) => frames.push(work),
    now: () => 0,
  });
  return {
    log,
    news,
    approvals,
    queries,
    followers,
    texts: () =>
      orderOf(log, MAIN).map((key) => {
        const item = log.items.get(key);
        return item?.kind === 'text' ? item.text : item?.kind;
      }),
    send: (...events: StreamEvent[]) => {
      for (const follower of followers) for (const event of events) follower.take(event);
    },
    after: () => [...followers].map((follower) => follower.after()),
    frame: () => {
      for (const work of frames.splice(0)) work();
    },
    fail: (error: Error | null) => {
      failure = error;
    },
  };
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);

describe('the log of an open session', () => {
  test('reads the newest page, follows behind it, and reads older ones when asked to', async () => {
    const { log, texts, after, queries } = setUp();
    log.open();
    await log.load();
    assert.deepEqual(texts(), range(301, 500));
    assert.deepEqual(after(), [500]);
    await log.loadOlder();
    assert.deepEqual(texts(), range(101, 500));
    await Promise.all([log.loadOlder(), log.loadOlder()]);
    assert.deepEqual(texts(), range(1, 500));
    assert.equal(log.older.get().name, 'none');
    await log.loadOlder();
    assert.equal(queries.length, 3);
  });

  test('reads as many pages as it takes to an event, however short they are, also right at its opening', async () => {
    const { log, texts } = setUp({ pageSize: 70 });
    log.open();
    await log.loadOlder(42);
    assert(log.first <= 42);
    assert.deepEqual(texts(), range(log.first, 500));
  });

  test('shows what the stream brings once, in order, and a frame at a time', async () => {
    const { log, texts, send, frame, after, news } = setUp({ count: 2 });
    log.open();
    await log.load();
    let renders = 0;
    log.orders.subscribe(MAIN, () => renders++);
    send(said(2), said(3), said(3), said(4));
    assert.deepEqual(texts(), ['1', '2']);
    assert.deepEqual(after(), [4], 'a stream that connects again begins behind what waits for its frame');
    frame();
    assert.deepEqual(texts(), ['1', '2', '3', '4']);
    assert.equal(renders, 1);
    send(ended(5));
    frame();
    assert.deepEqual(news, [['turn']]);
  });

  test('changes one row when a token comes', async () => {
    const { log, send, frame, texts } = setUp();
    log.open();
    await log.load();
    send(piece('a', 0));
    frame();
    const told: string[] = [];
    for (const key of orderOf(log, MAIN)) log.items.subscribe(key, () => told.push(key));
    log.orders.subscribe(MAIN, () => told.push('order'));
    send(piece('b', 1), piece('c', 2));
    send(piece('d', 3));
    frame();
    assert.deepEqual(told, ['m:0']);
    assert.equal(texts().at(-1), 'abcd');
  });

  test('is opened by many and followed once, until the last has closed it; what was being written goes', async () => {
    const { log, send, frame, followers, texts } = setUp({ count: 1 });
    const closings = [log.open(), log.open()];
    await log.load();
    assert.equal(followers.size, 1);
    send(piece('half', 0));
    frame();
    closings[0]?.();
    assert.equal(followers.size, 1);
    closings[1]?.();
    assert.equal(followers.size, 0);
    assert.deepEqual(texts(), ['1']);
    const close = log.open();
    assert.equal(followers.size, 1);
    close();
  });

  test('forgets what it has when the server says that it begins anew', async () => {
    const { log, send, frame, texts } = setUp({ count: 300 });
    log.open();
    await log.load();
    const older = log.loadOlder();
    send({
      kind: 'reset',
      turn_id: null,
      data: { reason: 'cursor_ahead', first_seq: 1, last_seq: 2 },
    });
    send(said(1), said(2));
    frame();
    await older;
    assert.deepEqual(texts(), ['1', '2']);
    assert.equal(log.older.get().name, 'none');
  });

  test('passes on approvals as they come, and not those of its pages', async () => {
    const { log, send, frame, approvals } = setUp({ count: 2 });
    log.open();
    await log.load();
    send(approval(3, 'pending'), approval(4, 'allowed'));
    frame();
    assert.deepEqual(approvals, ['a1 pending', 'a1 allowed']);
  });

  test('keeps what it shows when the session is deleted', async () => {
    const { log, send, followers, texts } = setUp({ count: 2 });
    log.open();
    await log.load();
    send(said(3));
    for (const follower of followers) follower.end('deleted');
    assert.equal(log.state.get().name, 'deleted');
    assert.deepEqual(texts(), ['1', '2', '3']);
    assert.equal(followers.size, 0);
  });

  test('tells a session that is not there from a server that is not', async () => {
    const missing = setUp();
    missing.fail(Object.assign(new Error('not found'), { status: 404 }));
    missing.log.open();
    await missing.log.load();
    assert.equal(missing.log.state.get().name, 'missing');
    const away = setUp();
    away.fail(new Error('cannot be reached'));
    away.log.open();
    await away.log.load();
    assert.equal(away.log.state.get().name, 'failed');
    away.fail(null);
    await away.log.load();
    assert.equal(away.log.state.get().name, 'open');
    away.fail(new Error('gone again'));
    await away.log.loadOlder();
    assert.equal(away.log.older.get().name, 'failed');
    assert.equal(away.texts().length, 200);
    away.fail(null);
    await away.log.loadOlder();
    assert.equal(away.texts().length, 400);
  });
});
