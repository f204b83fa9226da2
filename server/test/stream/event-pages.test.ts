import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import type { EventView } from '../../src/session/event/event.ts';
import { ApiDocument } from '../support/api-document.ts';
import { readTable } from '../support/event-source.ts';
import { type Answer, startTestServer, type TestServer } from '../support/harness.ts';

const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

describe('GET /sessions/{session_id}/events as JSON', () => {
  let server: TestServer;
  let document: ApiDocument;
  let id: string;
  let all: EventView[];

  before(async () => {
    server = await startTestServer();
    document = await ApiDocument.read(server);
    id = await server.execute({ prompt: 'run: echo hi', allowed_tools: ['Bash'] });
    await server.ended(id);
    all = await readTable(server.context.database.db, id);
    assert.ok(all.length > 8);
  });
  after(async () => await server[Symbol.asyncDispose]());

  const get = async (query = '', session = id): Promise<Answer> => {
    const answer = await server.request('GET', `/sessions/${session}/events${query}`);
    document.assertDescribes('GET /sessions/{session_id}/events', answer);
    return answer;
  };

  it('is a page of the log as it is stored, oldest first', async () => {
    const { body } = await get();
    assert.deepEqual(body, { session_id: id, last_seq: all.at(-1)?.seq, has_more: false, events: all });
  });

  it('pages with after, before and limit, in both directions', async () => {
    assert.deepEqual((await get('?after=3&limit=2')).body.events, all.slice(3, 5));
    assert.deepEqual((await get('?before=4')).body.events, all.slice(0, 3));
    assert.deepEqual((await get('?after=2&before=5&order=desc')).body.events, all.slice(2, 4).reverse());
    assert.deepEqual((await get('?order=desc&limit=3')).body.events, all.slice(-3).reverse());
    assert.deepEqual((await get('?after=100000')).body.events, []);
  });

  it('leads through all pages by its links', async () => {
    for (const query of ['?limit=3', '?limit=4&order=desc', '?limit=2&kinds=sdk,turn', '?limit=3&after=2']) {
      const seen: EventView[] = [];
      for (let next: string | undefined = query; next !== undefined; ) {
        const { body, headers }: Answer = await get(next);
        seen.push(...body.events);
        next = /\/events(\?[^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
        assert.equal(next !== undefined, body.has_more);
      }
      const kinds = query.includes('kinds') ? ['sdk', 'turn'] : null;
      const expected = all.filter(
        ({ kind, seq }) => (kinds?.includes(kind) ?? true) && (!query.includes('after') || seq > 2),
      );
      assert.deepEqual(seen, query.includes('desc') ? expected.reverse() : expected);
    }
  });

  it('shows only the kinds asked for, however they are listed', async () => {
    const turns = all.filter(({ kind }) => kind === 'turn' || kind === 'prompt');
    assert.deepEqual((await get('?kinds=turn,prompt')).body.events, turns);
    assert.deepEqual((await get('?kinds=turn&kinds=prompt')).body.events, turns);
  });

  it('names every field of a query that is not valid', async () => {
    const refused: Record<string, string> = {
      '?limit=0': 'limit',
      '?limit=1001': 'limit',
      '?limit=': 'limit',
      '?after=-1': 'after',
      '?after=1e3': 'after',
      '?before=x': 'before',
      '?order=up': 'order',
      '?kinds=turn,turns': 'kinds.1',
      '?deltas=yes': 'deltas',
      '?deltas=true': 'deltas',
      '?afer=1': 'afer',
    };
    for (const [query, field] of Object.entries(refused)) {
      const { status, body } = await get(query);
      assert.equal(status, 422, query);
      assert.deepEqual(
        body.errors.map((error: { field: string }) => error.field),
        [field],
      );
    }
    const headers = { accept: 'text/event-stream' };
    const response = await fetch(`${server.url}/sessions/${id}/events?before=3&limit=2`, { headers });
    const { errors } = (await response.json()) as { errors: { field: string; message: string }[] };
    assert.deepEqual(
      errors.map((error) => error.field),
      ['before', 'limit'],
    );
    assert.match(errors[0]?.message ?? '', /JSON pages/);
  });

  it('is not found for a session that does not exist', async () => {
    assert.equal((await get('', UNKNOWN_ID)).status, 404);
    assert.equal((await get('', 'x')).status, 404);
  });

  it('ends a page early rather than hold very much in memory, and says that there is more', async () => {
    const { db } = server.context.database;
    const { last_seq: last } = (await get()).body;
    // What does not compress: 40 events of 100 KB.
    const text = (): string =>
      Array.from({ length: 100_000 }, () => Math.floor(Math.random() * 36).toString(36)).join('');
    await db
      .insertInto('events')
      .values(
        Array.from({ length: 40 }, (_, index) => ({
          session_id: id,
          seq: last + 1 + index,
          tenant_id: 'default',
          turn_id: null,
          at: new Date(),
          kind: 'sdk' as const,
          data: JSON.stringify({ type: 'test', text: text() }),
        })),
      )
      .execute();
    const first = (await get(`?after=${last}&limit=1000`)).body;
    assert.ok(first.events.length > 5 && first.events.length < 30, `${first.events.length} events`);
    assert.equal(first.has_more, true);
  });

  it('gives one event, whole', async () => {
    const [first] = (await get('?limit=1')).body.events;
    assert.deepEqual(await server.client.sessions.event(id, 1), first);
    for (const seq of ['0', '999999', '1e1', '-1', 'x', '99999999999999999999']) {
      assert.equal((await server.request('GET', `/sessions/${id}/events/${seq}`)).status, 404, seq);
    }
  });

  it('ends a page early also where its events take little room in the database', async () => {
    const { db } = server.context.database;
    const { last_seq: last } = (await get()).body;
    await sql`
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select ${id}, ${last}::bigint + 100 + n, 'default', null, 'sdk',
        ('{"type":"test","text":"' || repeat('x', 1000000) || '"}')::json, now()
      from generate_series(1, 30) as n
    `.execute(db);
    const seen: number[] = [];
    for (let after = last + 100, more = true; more; ) {
      const { events, has_more } = (await get(`?after=${after}&limit=1000`)).body;
      assert.ok(events.length > 0 && events.length < 10, `${events.length} events`);
      seen.push(...events.map((event: EventView) => event.seq));
      after = seen.at(-1) ?? 0;
      more = has_more;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 30 }, (_, index) => last + 101 + index),
    );
  });
});
