import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { updateLastUse } from '../../src/access/api-key/store.ts';
import { runRetention } from '../../src/access/retention/retention.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { forgetSilentWorkers, requeueForgotten } from '../../src/ground/queue/store.ts';
import type { EventView } from '../../src/session/event/event.ts';
import { listRestlessIds } from '../../src/session/summary/store.ts';
import { listAbandoned } from '../../src/session/usage/store.ts';
import { ApiDocument } from '../support/api-document.ts';
import { Browser } from '../support/browser.ts';
import { type Answer, startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';
import { type FilledDirectory, openFilledDirectory } from './directory.ts';
import { nodesOf, type Plan, readPlans, rowsLookedAt, writePlansDown } from './plans.ts';

/*
 * What the server asks the database, on one that is not empty: every route that it describes is called once at least,
 * with every filter, agents work, and what goes on in the background is done once. PostgreSQL itself writes down how it
 * ran each statement, so no statement can be forgotten here, and none is copied.
 */

/** Of what `npm run bench:filled` has: enough for a scan to be dearer than an index. */
const PART = 0.01;
const DAY_MS = 24 * 3600 * 1_000;

/** Tables that grow with use. */
const large = new Set([
  ...[
    'sessions',
    'turns',
    'events',
    'transcripts',
    'approvals',
    'usage_ledger',
    'usage_session_days',
    'session_spending',
    'audit_log',
  ],
  ...['session_marks', 'idempotency_keys', 'deleted_sessions', 'api_keys', 'session_readers', 'job_common'],
]);
const MAX_ROWS = 1_100;
const MAX_COST = 5_000;
/** Found by its key, with another one that it names. */
const COST_OF_ROW = 20;

/** Each with the reason why it may; with `rows`, up to so many of a table, by an index. */
const exceptions: { statement: RegExp; reason: string; rows?: number }[] = [
  { statement: /^delete from usage_ledger where id in/, reason: 'deletes 2,000 a step', rows: 2_001 },
  { statement: /^BEGIN; SET LOCAL lock_timeout|greenroom_queue\.bam/, reason: 'pg-boss looks after its own' },
  { statement: /^select count\(\*\) as sessions, /, reason: 'this test counts' },
  { statement: /^select \$1::text as name, count/, reason: 'counts up to 10,000 sessions' },
  { statement: /^select id, fence, \(select turns.id/, reason: 'hashes approvals while those are few' },
];

function findFaults({ statement, root }: Plan): string[] {
  const exception = exceptions.find((candidate) => candidate.statement.test(statement));
  if (exception !== undefined && exception.rows === undefined) return [];
  const maxRows = exception?.rows ?? MAX_ROWS;
  const maxCost = exception?.rows === undefined ? MAX_COST : exception.rows * COST_OF_ROW;
  const faults = nodesOf(root).flatMap((node) => {
    const table = node['Relation Name'] ?? '';
    if (!large.has(table)) return [];
    const rows = rowsLookedAt(node);
    // Whether there is any row at all is seen by the first.
    const isWhole = node['Node Type'] === 'Seq Scan' && (node.Filter !== undefined || rows > 1);
    if (isWhole) return [`scans ${table} (${rows} rows)`];
    return rows > maxRows ? [`reads ${rows} rows of ${table} by ${node['Node Type']}`] : [];
  });
  if (root['Total Cost'] > maxCost) faults.push(`is thought to cost ${root['Total Cost']}`);
  return faults.map((fault) => `${fault}: ${statement}`);
}

describe('a server with a filled database', () => {
  let directory: FilledDirectory;
  let server: TestServer;
  let anonymous: TestServer;
  let document: ApiDocument;
  const called = new Map<string, Set<string>>();
  before(async () => {
    directory = await openFilledDirectory({ part: PART, cache: null });
    await writePlansDown(directory.path);
    anonymous = await startTestServer({ dataDir: directory.path, databaseUrl: null });
    server = anonymous.as(directory.apiKey);
    document = await ApiDocument.read(server);
  });
  after(async () => {
    await anonymous?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });

  const named = (operation: string, ...names: string[]): void => {
    called.set(operation, new Set([...(called.get(operation) ?? []), ...names]));
  };
  /** What is no JSON document; of a stream, up to there. */
  const readText = async (
    path: string,
    { accept = '*/*', until }: { accept?: string; until?: string } = {},
  ): Promise<void> => {
    const headers = { authorization: `Bearer ${directory.apiKey}`, accept };
    const answer = await fetch(server.url + path, { headers });
    let text = '';
    for await (const chunk of (answer.body ?? assert.fail('no body')).pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (until !== undefined && text.includes(until)) return;
    }
    assert.equal(answer.status, 200, `${path}: ${text}`);
    assert.equal(until, undefined, `${path} ended without ${until}`);
  };

  type Call = { query?: Record<string, string>; body?: object; expected?: number };
  /** `operation` as the document names it, with ids in place of its parameters. */
  const call = async (
    operation: string,
    ids: readonly string[] = [],
    { query = {}, body, expected }: Call = {},
  ): Promise<Answer> => {
    const names = called.get(operation) ?? new Set();
    called.set(operation, names);
    for (const name of Object.keys(query)) names.add(name);
    const [method = '', template = ''] = operation.split(' ');
    const left = [...ids];
    const path = template.replaceAll(/\{\w+\}/g, () => left.shift() ?? assert.fail(operation));
    const search = Object.keys(query).length === 0 ? '' : `?${new URLSearchParams(query)}`;
    const answer = await server.request(method, path + search, body);
    const isExpected = expected === undefined ? answer.status < 300 : answer.status === expected;
    assert.ok(isExpected, `${operation} ${search}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };

  /** Of one page, and what the others are asked for with. */
  const pages = async (id: string): Promise<EventView[]> => {
    const events: EventView[] = [];
    while (true) {
      const query = { after: String(events.at(-1)?.seq ?? 0), limit: '1000' };
      const { body } = await call('GET /sessions/{session_id}/events', [id], { query });
      events.push(...body.events);
      if (!body.has_more) return events;
    }
  };

  it('tells of what is in it as it is', async () => {
    const { usual, long, pictures } = directory.landmarks;
    for (const id of [usual, long, pictures]) {
      const { body: session } = await call('GET /sessions/{session_id}', [id]);
      const events = await pages(id);
      const ends = events.flatMap(({ kind, data }) =>
        kind === 'turn' && data.phase === 'ended' ? [data] : [],
      );
      const cost = ends.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0);
      assert.deepEqual(
        events.map(({ seq }) => seq),
        Array.from({ length: session.last_seq }, (_, index) => index + 1),
      );
      assert.equal(events.filter(({ kind }) => kind === 'sdk').length, session.message_count);
      assert.equal(cost.toFixed(6), session.cost_usd.toFixed(6));
      const { body: usage } = await call('GET /usage', [], { query: { session_id: id, group_by: 'turn' } });
      assert.equal(usage.total.cost_usd.toFixed(6), session.cost_usd.toFixed(6));
      assert.deepEqual(
        [usage.total.requests, usage.total.output_tokens],
        [ends.length, session.usage.output_tokens],
      );
    }
    const { rows } = await sql<{ sessions: number; asking: number; approvals: number }>`
      select count(*) as sessions, count(*) filter (where waiting_for is not null) as asking,
        (select count(*) from approvals where status = 'pending' and tenant_id = 'default') as approvals
      from sessions where tenant_id = 'default'`.execute(server.context.database.db);
    const { body: counts } = await call('GET /sessions/counts', [], { query: { archived: 'any' } });
    assert.deepEqual([counts.total, counts.needs_you], [rows[0]?.sessions, rows[0]?.asking]);
    assert.equal(rows[0]?.approvals, rows[0]?.asking);
  });

  it('finds in it what it is asked for', async () => {
    const { usual, long, pictures, asking } = directory.landmarks;
    const { body: me } = await call('GET /me');
    await call('GET /sessions', [], { query: { limit: '10' } });
    await call('GET /sessions', [], { query: { status: 'error', cursor: usual } });
    await call('GET /status/{session_id}', [usual], { query: { after: '0', limit: '10' } });
    await call('GET /status/{session_id}', [long]);
    await call('GET /sessions/{session_id}', [asking]);
    const filters = {
      status: 'completed',
      archived: 'any',
      label: 'team:team 3',
      q: 'prompt 1',
      model: 'nothing',
    };
    const list = 'GET /sessions/summaries';
    for (const operation of [list, 'GET /sessions/counts'])
      for (const [name, value] of Object.entries({ ...filters, pinned: 'true' }))
        await call(operation, [], { query: { [name]: value } });
    for (const state of ['needs_you', 'working', 'unread', 'idle'])
      await call(list, [], { query: { state } });
    const { body: page } = await call(list, [], { query: { limit: '1' } });
    await call(list, [], { query: { cursor: page.next } });
    for (const id of [usual, pictures]) {
      const turns = 'GET /sessions/{session_id}/turns';
      const { body } = await call(turns, [id], { query: { limit: '5', order: 'desc' } });
      await call(turns, [id], { query: { after: String(body.next) } });
      await call('GET /sessions/{session_id}/turns/{turn_id}', [id, body.turns[0].turn_id]);
      const blocks: { type: string; url: string }[] = body.turns.flatMap(
        ({ content }: { content: object[] | null }) => content ?? [],
      );
      const image = blocks.find(({ type }) => type === 'image');
      if (id === pictures) await readText(new URL(image?.url ?? assert.fail(), 'http://host').pathname);
    }
    named('GET /sessions/{session_id}/turns/{turn_id}/images/{number}');
    for (const id of [usual, long]) {
      await call('GET /sessions/{session_id}/tasks', [id]);
      await call('GET /sessions/{session_id}/tasks', [id], { query: { cursor: '1000000', limit: '5' } });
      await call('GET /sessions/{session_id}/events/{seq}', [id, '5']);
      for (const kinds of ['approval', 'turn,prompt', 'session'])
        for (const order of ['asc', 'desc'])
          await call('GET /sessions/{session_id}/events', [id], {
            query: { kinds, order, before: '1000000' },
          });
    }
    for (const query of [
      ...[{}, { status: 'pending' }, { kind: 'client_tool' }, { kind: 'tool', status: 'denied' }],
      ...[{ session_id: usual }, { limit: '1', cursor: usual }],
    ])
      await call('GET /approvals', [], { query: query as Record<string, string> });
    const { body: key } = await call('GET /api-keys', [], { query: { limit: '1', tenant: 'default' } });
    await call('GET /api-keys', [], { query: { cursor: key.next } });
    await call('GET /api-keys/{api_key_id}', [key.next]);
    const rare: Record<string, string>[] = [
      ...[
        { actor: me.api_key_id },
        { action: 'sign_out' },
        { object: usual },
        { outcome: 'failed' },
        { limit: '1' },
      ],
      ...[{ outcome: 'denied' }, { from: new Date(0).toISOString() }, { to: new Date(0).toISOString() }],
      ...[
        { from: new Date().toISOString() },
        { cursor: usual },
        { tenant: 'tenant-1' },
        { tenant: '*', outcome: 'failed' },
      ],
      ...[
        { tenant: '*', action: 'sign_out' },
        { tenant: '*', from: new Date().toISOString() },
      ],
    ];
    for (const query of rare) await call('GET /audit', [], { query });
    await readText(`/audit?format=jsonl&object=${usual}`);
    named('GET /audit', 'format');
    const today = new Date().toISOString();
    for (const query of [
      ...[
        {},
        { from: today },
        { session_id: usual, group_by: 'model' },
        { api_key_id: key.next, limit: '1' },
      ],
      ...[
        { from: today, tenant: '*' },
        { from: today, to: today, model: 'other' },
      ],
    ])
      await call('GET /usage', [], { query: query as Record<string, string> });
    await call('GET /budgets', [], { query: { tenant: 'default' } });
    for (const operation of ['GET /presets', 'GET /healthz', 'GET /readyz', 'GET /version'])
      await call(operation);
  });

  it('streams from it', async () => {
    const { usual, long } = directory.landmarks;
    const { last_seq } = await server.client.sessions.get(long);
    const stream = 'text/event-stream';
    await readText(`/sessions/${long}/events?deltas=true&after=1000`, {
      accept: stream,
      until: `id: ${last_seq}\n`,
    });
    named('GET /sessions/{session_id}/events', 'deltas');
    const wanted = {
      sessions: usual,
      statuses: 'running',
      archived: 'any',
      limit: '100',
      after: `${usual}:1`,
      kinds: 'turn',
      deltas: 'true',
    };
    await readText(`/events?${new URLSearchParams(wanted)}`, { accept: stream, until: 'event: ready' });
    named('GET /events', ...Object.keys(wanted));
    await call('POST /stream-tickets', [], { body: { session_id: usual } });
  });

  it('lets agents work in it, and goes on with what was there', async () => {
    const { usual, second, asking } = directory.landmarks;
    const once = { 'idempotency-key': 'once' };
    const { session_id: own } = await server.client.execute(
      { prompt: 'run: mkdir made && touch made/greeting', approvals: 'ask', title: 'own' },
      { idempotencyKey: once['idempotency-key'] },
    );
    named('POST /execute', 'idempotency-key');
    const asked = await server.event(
      own,
      ({ kind, data }) => kind === 'approval' && data.phase === 'requested',
    );
    assert(asked.kind === 'approval');
    await call('GET /approvals/{approval_id}', [asked.data.approval.approval_id]);
    await call('POST /execute/validate', [], { body: { prompt: 'hello' } });
    const messages = 'POST /sessions/{session_id}/messages';
    const later = (await call(messages, [own], { body: { prompt: 'later' } })).body.turn_id;
    await call(messages, [own], { body: { prompt: 'hint', delivery: 'steer' } });
    await call('GET /sessions/{session_id}/messages', [own], { query: { limit: '1' } });
    await call('GET /sessions/{session_id}/messages', [own], { query: { after: later } });
    const message = 'PATCH /sessions/{session_id}/messages/{turn_id}';
    await call(message, [own, later], { body: { prompt: 'something else' } });
    await call('DELETE /sessions/{session_id}/messages/{turn_id}', [own, later]);
    const answer = 'POST /approvals/{approval_id}';
    await call(answer, [asked.data.approval.approval_id], { body: { decision: 'allow', scope: 'session' } });
    await server.event(own, ({ kind, data }) => kind === 'session' && data.status === 'completed');
    await server.client.sessions.files.write(own, 'notes', 'hello');
    named('PUT /sessions/{session_id}/files/{path}');
    for (const [operation, query] of [
      ['GET /sessions/{session_id}/files', { recursive: 'true' }],
      ['GET /sessions/{session_id}/changes', { from: 'start', context: '1', path: 'notes' }],
    ] as const)
      await call(operation, [own], { query });
    await readText(`/sessions/${own}/files/notes`);
    named('GET /sessions/{session_id}/files/{path}', 'recursive');
    await call('DELETE /sessions/{session_id}/files/{path}', [own, 'notes'], {
      query: { recursive: 'true' },
    });
    await readText(`/sessions/${own}/archive?path=made`);
    named('GET /sessions/{session_id}/archive', 'path');
    await readText(`/sessions/${own}/changes?format=diff`);
    named('GET /sessions/{session_id}/changes', 'format');
    await call('POST /sessions/{session_id}/rewind', [own], { body: { to: 'start' } });
    const { body: granted } = await call('PATCH /sessions/{session_id}', [own], { body: { title: 'mine' } });
    await call('DELETE /sessions/{session_id}/grants/{grant_id}', [own, granted.grants[0].grant_id]);

    // What the filling says that agents said must be fit to be gone on with.
    await server.execute({ prompt: 'hello', resume_session_id: usual });
    assert.equal((await server.ended(usual)).status, 'completed');
    const { approvals } = (
      await call('GET /approvals', [], { query: { session_id: asking, status: 'pending' } })
    ).body;
    await call(answer, [approvals[0].approval_id], { body: { decision: 'deny' } });
    assert.equal((await server.ended(asking)).status, 'completed');
    const { body: fork } = await call('POST /sessions/{session_id}/fork', [usual], { body: {} });
    named('POST /sessions/{session_id}/fork', 'idempotency-key');
    named(messages, 'idempotency-key');
    await call('PATCH /sessions/{session_id}/marks', [second], { body: { read_seq: 1, pinned: true } });
    await call('POST /sessions/read-all');

    const busy = await server.execute({ prompt: 'run: sleep 60', allowed_tools: ['Bash'] });
    await server.event(busy, ({ kind, data }) => kind === 'turn' && data.phase === 'started');
    await call('POST /sessions/{session_id}/interrupt', [busy], { query: { queued: 'discard' } });
    await server.ended(busy);
    await call('POST /sessions/{session_id}/tasks/{task_id}/stop', [busy, 'none'], { expected: 404 });
    await server.execute({ prompt: 'run: sleep 60', allowed_tools: ['Bash'], resume_session_id: busy });
    await call('POST /cancel/{session_id}', [busy]);
    await server.ended(busy);
    await call('DELETE /sessions/{session_id}', [fork.session_id]);
  });

  it('lets what is around sessions be changed', async () => {
    const made = await call('POST /presets', [], { body: { name: 'mine', options: {} } });
    const preset = made.body.preset_id;
    await call('GET /presets/{preset_id}', [preset]);
    await call('PATCH /presets/{preset_id}', [preset], { body: { name: 'ours' } });
    await call('DELETE /presets/{preset_id}', [preset]);
    const body = { name: 'other', scopes: ['operator'] };
    const { api_key_id: key, key: secret } = (await call('POST /api-keys', [], { body })).body;
    await call('PATCH /api-keys/{api_key_id}', [key], { body: { name: 'another' } });
    for (const [put, remove, ids] of [
      ['PUT /budgets/tenant/{period}', 'DELETE /budgets/tenant/{period}', ['day']],
      [
        'PUT /budgets/api-keys/{api_key_id}/{period}',
        'DELETE /budgets/api-keys/{api_key_id}/{period}',
        [key, 'day'],
      ],
    ] as const) {
      const query = put.includes('tenant') ? { tenant: 'tenant-1' } : {};
      await call(put, ids, { query, body: { limit_usd: 10 } });
      await call(remove, ids, { query });
    }
    const browser = new Browser(server);
    await browser.signIn({ api_key: secret });
    named('POST /sign-in');
    assert.equal((await browser.ask('POST', '/sign-out?everywhere=true')).status, 204);
    named('POST /sign-out', 'everywhere');
    await call('POST /api-keys/{api_key_id}/rotate', [key], { body: {} });
    await call('DELETE /api-keys/{api_key_id}', [key]);
  });

  it('tidies up in it', async () => {
    const { sessions, database } = server.context;
    const { db } = database;
    await call('DELETE /sessions/cleanup', [], { query: { max_age_hours: String(89 * 24) } });
    const kept = { retention: 88 * DAY_MS, auditRetention: 60 * DAY_MS, ledgerRetention: 60 * DAY_MS };
    await runRetention(sessions, kept, createSilentLogger());
    await forgetSilentWorkers(db);
    await requeueForgotten(db, sessions.queue);
    await listAbandoned(db);
    await listRestlessIds(db, 'default', 1_000);
    await updateLastUse(db, new Map([['none', new Date()]]));
    const { rows } = await sql<{ at: Date }>`select now() as at`.execute(db);
    const isLater = sql`select from workers where heartbeat_at > ${rows[0]?.at}`;
    await until('the worker has beaten', async () => (await isLater.execute(db)).rows.length > 0);
  });

  it('was asked by every route that it describes, with every parameter', () => {
    for (const [operation, { parameters = [] }] of document.operations) {
      const names = called.get(operation);
      assert.ok(names, `${operation} is not called in this test`);
      for (const parameter of parameters)
        if (parameter.in !== 'path')
          assert.ok(names.has(parameter.name), `${operation} without ${parameter.name}`);
    }
  });

  it('reads no table as a whole, and no more than it needs', async () => {
    const plans = await readPlans(directory.path);
    assert.ok(plans.length > 150, String(plans.length));
    const faults = plans.flatMap((plan) => findFaults(plan));
    assert.deepEqual(faults, []);
  });
});
