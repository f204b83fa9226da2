import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { EventView } from '../../src/session/event/event.ts';
import { readStream, readTable, type SseEvent } from '../support/event-source.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';
const seed = Number(process.env.STREAM_SEED ?? randomInt(2 ** 31));

describe('GET /events', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { maxSessions: 4 } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  const read = (query = '', lastEventId?: string) =>
    readStream(`${server.url}/events${query}`, { lastEventId, signal: AbortSignal.timeout(30_000) });
  const isSummary = ({ event, data }: SseEvent, id: string, status: string): boolean =>
    event === 'summary' && data.session_id === id && data.data.status === status;
  const run = async (prompt = 'hello'): Promise<string> => {
    const id = await server.execute({ prompt });
    await server.ended(id);
    return id;
  };

  it('begins with a snapshot, newest first, closed by `ready`; then shows every change', async () => {
    const ids = [await run(), await run()];
    const seen: SseEvent[] = [];
    let started: string | null = null;
    for await (const event of read()) {
      seen.push(event);
      if (event.event === 'ready') started = await server.execute({ prompt: 'hello', title: 'A title' });
      if (started !== null && isSummary(event, started, 'completed')) break;
    }
    const ready = seen.findIndex((event) => event.event === 'ready');
    const snapshot = seen.slice(0, ready).map(({ data }) => data.session_id);
    assert.deepEqual(
      snapshot.filter((id) => ids.includes(id)),
      ids.toReversed(),
    );
    const { sessions, now } = seen[ready]?.data.data ?? {};
    assert.equal(sessions, ready);
    assert.ok(Math.abs(Date.parse(now) - Date.now()) < 60_000, now);
    const last = seen.at(-1)?.data.data;
    const { body } = await server.request('GET', `/sessions/${started}`);
    assert.equal(last.title, 'A title');
    assert.equal(last.last_seq, body.last_seq);
    assert.equal(last.cost_usd, body.cost_usd);
    assert.equal(last.turn_count, 1);
    assert.ok(seen.every((event) => event.id === null));
  });

  it('shows sessions of the statuses asked for, and once more those that leave them', async () => {
    const id = await server.execute({ prompt: '[demo:hang]' });
    await server.event(id, (event) => event.kind === 'sdk');
    const seen: SseEvent[] = [];
    for await (const event of read('?statuses=running,pending')) {
      seen.push(event);
      if (event.event === 'ready') await server.request('POST', `/cancel/${id}`);
      if (isSummary(event, id, 'cancelled')) break;
    }
    const ready = seen.findIndex((event) => event.event === 'ready');
    assert.ok(seen.slice(0, ready).every(({ data }) => ['pending', 'running'].includes(data.data.status)));
    assert.ok(seen.slice(ready + 1).every(({ data }) => data.session_id === id));
  });

  describe('tells of what a reader notes', () => {
    /** The summaries of the session that come once all have been told, and `change` was made: up to one that `isLast`. */
    const changesOf = async (
      { id, query = '' }: { id: string; query?: string },
      change: () => Promise<unknown>,
      // biome-ignore lint/suspicious/noExplicitAny: tests look into data freely
      isLast: (summary: any) => boolean,
    ) => {
      const changes = [];
      let hasBegun = false;
      for await (const { event, data } of read(query)) {
        if (event === 'ready' && !hasBegun) {
          hasBegun = true;
          await change();
        }
        if (!hasBegun || event !== 'summary' || data.session_id !== id) continue;
        changes.push(data.data);
        if (isLast(data.data)) return changes;
      }
      return assert.fail('the stream ended');
    };

    it('to their other streams, though nothing happened in the session', async () => {
      const id = await run();
      const { sessions } = server.client;
      const pinned = await changesOf(
        { id },
        async () => await sessions.mark(id, { pinned: true }),
        (summary) => summary.pinned,
      );
      assert.equal(pinned.length, 1);
      const [read] = await changesOf(
        { id },
        async () => await sessions.mark(id, { read_seq: 1_000 }),
        ({ state }) => state === 'idle',
      );
      assert.deepEqual([read.pinned, read.read_seq], [true, read.last_seq]);
    });

    it('also when they have read everything', async () => {
      const ids = [await run(), await run()];
      const unread = new Set<string>(ids);
      let readies = 0;
      for await (const { event, data } of read()) {
        if (event === 'ready' && readies++ === 0) await server.client.sessions.readAll();
        if (event === 'summary' && readies > 0 && data.data.state === 'idle') unread.delete(data.session_id);
        if (unread.size === 0) break;
      }
    });

    it('and of a session that is archived or renamed, again and again', async () => {
      const id = await run();
      const { sessions } = server.client;
      for (const archived of [true, false, true]) {
        await changesOf(
          { id },
          async () => await sessions.update(id, { archived }),
          (summary) => summary.archived === archived,
        );
      }
      const changes = await changesOf(
        { id },
        async () => {
          for (const title of ['one', 'two', 'three']) await sessions.update(id, { title });
        },
        ({ title }) => title === 'three',
      );
      assert.ok(changes.length <= 3);
    });

    it('leaves archived sessions out where they are not wanted, and shows once those that become so', async () => {
      const [away, here] = [await run(), await run()];
      const { sessions } = server.client;
      await sessions.update(away, { archived: true });
      const seen: string[] = [];
      for await (const { event, data } of read('?archived=false')) {
        if (event === 'summary') seen.push(data.session_id);
        if (event === 'ready') await sessions.update(here, { archived: true });
        if (event === 'summary' && data.session_id === here && data.data.archived) break;
      }
      assert.ok(!seen.includes(away));
      assert.equal(seen.filter((id) => id === here).length, 2);
    });
  });

  it('shows what an agent does', async () => {
    const command = 'sleep 0.4; echo hello';
    let id: string | null = null;
    for await (const event of read()) {
      if (event.event === 'ready') {
        id = await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'] });
      }
      if (id === null || event.event !== 'summary' || event.data.session_id !== id) continue;
      const { activity } = event.data.data;
      if (activity?.tool === 'Bash') {
        assert.deepEqual(activity, { tool: 'Bash', text: command });
        break;
      }
    }
    await server.ended(id ?? '');
  });

  it('gives the events of the sessions named, deltas too; resumed by its ids, none is lost and none comes twice', async (t) => {
    t.diagnostic(`STREAM_SEED=${seed}`);
    const ids = await Promise.all(
      [0, 1, 2].map(async (n) => {
        const commands = Array.from({ length: 6 }, (_, index) => `run: echo ${n} ${index}`).join(' then ');
        return await server.execute({ prompt: commands, allowed_tools: ['Bash'] });
      }),
    );
    const lists = new Map<string, EventView[]>(ids.map((id) => [id, []]));
    const ended = new Set<string>();
    let lastEventId: string | undefined;
    let random = seed;
    let deltas = 0;
    let drops = 0;
    while (ended.size < ids.length) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      let patience = 1 + ((random >>> 16) % 9);
      for await (const { id, event, data } of read(`?sessions=${ids}&deltas=true&limit=0`, lastEventId)) {
        if (event === 'delta') deltas++;
        if (id === null) continue;
        lastEventId = id;
        const { session_id, ...view } = data;
        lists.get(session_id)?.push(view);
        if (event === 'turn' && view.data.phase === 'ended') ended.add(session_id);
        if (ended.size === ids.length || --patience === 0) break;
      }
      drops++;
    }
    assert.ok(drops > 10, `${drops} drops`);
    assert.ok(deltas > 0);
    for (const [id, list] of lists) {
      const table = await readTable(server.context.database.db, id);
      assert.deepEqual(list, table.slice(0, list.length));
      assert.ok(list.some((event) => event.kind === 'turn' && event.data.phase === 'ended'));
    }
  });

  it('takes the places to begin at as a parameter, and says reset where one names nothing', async () => {
    const [one, two] = [await run(), await run()];
    const seen: SseEvent[] = [];
    for await (const event of read(`?sessions=${one},${two}&limit=0&after=${one}:3,${two}:9999`)) {
      seen.push(event);
      if (
        event.event === 'session' &&
        event.data.session_id === two &&
        event.data.data.status === 'completed'
      )
        break;
    }
    assert.equal(seen.find(({ id, data }) => id !== null && data.session_id === one)?.data.seq ?? 4, 4);
    const ofTwo = seen.filter(({ data }) => data.session_id === two);
    assert.equal(ofTwo[0]?.event, 'reset');
    assert.equal(ofTwo[0]?.data.data.reason, 'cursor_ahead');
    assert.equal(ofTwo[1]?.data.seq, 1);
  });

  it('says `end` of a session that is deleted, shown or not, or unknown, and goes on with the others', async () => {
    const [named, other] = [await run(), await run()];
    const ends: unknown[] = [];
    for await (const { event, data } of read(`?sessions=${named},${UNKNOWN_ID}&limit=0`)) {
      if (event === 'ready') {
        await server.request('DELETE', `/sessions/${named}`);
        await server.request('DELETE', `/sessions/${other}`);
      }
      if (event === 'end') ends.push([data.session_id, data.data.reason]);
      if (ends.length === 3) break;
    }
    assert.deepEqual(
      ends.toSorted(),
      [
        [UNKNOWN_ID, 'not_found'],
        [named, 'deleted'],
        [other, 'deleted'],
      ].toSorted(),
    );
  });

  it('names every field of a query that is not valid', async () => {
    const many = Array.from({ length: 21 }, () => UNKNOWN_ID).join();
    const refused: Record<string, string> = {
      '?sessions=x': 'sessions.0',
      [`?sessions=${many}`]: 'sessions',
      '?statuses=done': 'statuses.0',
      '?limit=1001': 'limit',
      '?kinds=x': 'kinds.0',
      '?after=7': 'after',
      '?session=x': 'session',
    };
    for (const [query, field] of Object.entries(refused)) {
      const { status, body } = await server.request('GET', `/events${query}`);
      assert.equal(status, 422, query);
      assert.deepEqual(
        body.errors.map((error: { field: string }) => error.field),
        [field],
      );
    }
  });

  it('leaves nothing behind', async () => {
    await until('all is cleaned up', async () => {
      const { connections, channels, followers } = server.context.streams.counts;
      return connections + channels + followers === 0;
    });
  });
});
