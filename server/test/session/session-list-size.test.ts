import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type RawBuilder, sql } from 'kysely';
import { LOCAL_USER } from '../../src/ground/identity.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { EVERYTHING } from '../../src/session/summary/filter.ts';
import { pageQuery } from '../../src/session/summary/store.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

const MANY = 30_000;
const OF_OTHERS = 3_000;

describe('a list of many sessions', () => {
  let server: TestServer;
  const reader = { tenantId: 'default', name: 'local' };
  before(async () => {
    server = await startTestServer();
    await server.client.sessions.counts();
    await insert('default', MANY);
    await insert('other', OF_OTHERS);
    const { db } = server.context.database;
    await sql`analyze sessions, session_marks, session_readers`.execute(db);
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** Of a hundred one runs, and of those one of three asks; the oldest has a title that no other has. */
  const insert = async (tenantId: string, count: number): Promise<void> => {
    const ids = Array.from({ length: count }, newSessionId);
    await sql`
      insert into sessions (id, tenant_id, status, waiting_for, title, prompt, options, metadata, last_seq, ended_at)
      select id, ${tenantId}, case when n % 100 = 0 then 'running' else 'completed' end,
        case when n % 300 = 0 then 'approval' end, case when n = 1 then 'needle' end, 'hello ' || n, '{}',
        jsonb_build_object('n', (n % 10)::text), 5, case when n % 100 > 0 then now() end
      from unnest(${ids}::uuid[]) with ordinality as given (id, n)
    `.execute(server.context.database.db);
  };
  type Plan = { 'Node Type': string; 'Relation Name'?: string; 'Actual Rows'?: number; Plans?: Plan[] };
  const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
  /** As requests run it: behind the wall between tenants. */
  const explain = async (query: RawBuilder<unknown>): Promise<Plan[]> => {
    const { db } = server.context.forTenant({
      identity: LOCAL_USER,
    });
    const { rows } = await sql<{ 'QUERY PLAN': { Plan: Plan }[] }>`
      explain (analyze, timing off, format json) ${query}`.execute(db);
    return nodesOf(rows[0]?.['QUERY PLAN'][0]?.Plan ?? assert.fail('no plan'));
  };
  const scansOf = (plan: Plan[]): Plan[] => plan.filter((node) => node['Relation Name'] === 'sessions');
  const page = { filter: { ...EVERYTHING, isArchived: false }, states: null, before: null, limit: 51 };

  it('reads a page and no more', async () => {
    for (const filter of [page.filter, EVERYTHING]) {
      const scans = scansOf(await explain(pageQuery(reader, { ...page, filter })));
      assert.ok(scans.length > 0);
      for (const scan of scans) {
        assert.notEqual(scan['Node Type'], 'Seq Scan');
        assert.ok((scan['Actual Rows'] ?? 0) <= 51, JSON.stringify(scan));
      }
    }
  });

  it('finds what works and what needs somebody without looking at the others', async () => {
    for (const states of [['working'], ['needs_you'], ['working', 'needs_you']] as const) {
      const scans = scansOf(await explain(pageQuery(reader, { ...page, states })));
      assert.ok(scans.length > 0);
      for (const scan of scans) {
        assert.notEqual(scan['Node Type'], 'Seq Scan', String(states));
        assert.ok((scan['Actual Rows'] ?? 0) <= MANY / 100, `${states}: ${JSON.stringify(scan)}`);
      }
    }
  });

  it('streams a snapshot as a whole before it says so', async () => {
    const ids = new Set<string>();
    for await (const event of server.client.events({ limit: 1_000, signal: AbortSignal.timeout(60_000) })) {
      if (event.kind === 'summary') ids.add(event.session_id);
      if (event.kind !== 'ready') continue;
      assert.deepEqual([ids.size, event.data.sessions], [1_000, 1_000]);
      break;
    }
  });

  it('counts up to 10,000 and says so', async () => {
    assert.deepEqual(await server.client.sessions.counts(), {
      needs_you: MANY / 300,
      working: MANY / 100 - MANY / 300,
      unread: 10_000,
      idle: 0,
      pinned: 0,
      archived: 0,
      total: 10_000,
      is_capped: true,
    });
  });

  it('looks for what no index has among 10,000 a page, and goes on', async () => {
    const { sessions } = server.client;
    const first = await sessions.summaryPage({ q: 'needle' });
    assert.equal(first.summaries.length, 0);
    assert.ok(first.next);
    const found = await Array.fromAsync(sessions.summaries({ q: 'needle' }));
    assert.deepEqual(
      found.map(({ prompt }) => prompt),
      ['hello 1'],
    );
    const labelled = await Array.fromAsync(sessions.summaries({ labels: { n: '7' }, limit: 200 }));
    assert.equal(labelled.length, MANY / 10);
  });

  it('is read as a whole at once', async () => {
    assert.equal((await server.client.sessions.readAll()).marked, 10_000);
    await sql`update session_readers set read_before = now()`.execute(server.context.database.db);
    assert.equal((await server.client.sessions.readAll()).marked, 0);
    assert.equal((await server.client.sessions.counts()).unread, 0);
  });
});
