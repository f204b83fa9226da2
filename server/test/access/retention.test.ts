import assert from 'node:assert/strict';
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { pino } from 'pino';
import { describeKept, type Retention, runRetention } from '../../src/access/retention/retention.ts';
import { LOCAL_USER } from '../../src/ground/identity.ts';
import { serve } from '../../src/serve.ts';
import type { EventBus, Signal } from '../../src/session/event/bus.ts';
import { cleanUpSessions } from '../../src/session/service.ts';
import {
  createDatabase,
  startTestServer,
  type TestServer,
  temporaryDirectory,
  testConfig,
} from '../support/harness.ts';

const DAY_MS = 86_400_000;
const FOR_EVER: Retention = { retention: null, auditRetention: null, ledgerRetention: null };

describe('retention', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** Sessions that ended two days ago and later, a second apart, with some events and a turn each. */
  const insertEnded = async (count: number, { events = 3, tenant = 'default' } = {}): Promise<void> => {
    await sql`
      with made as (
        insert into sessions (id, tenant_id, status, options, last_seq, turn_count, ended_at)
        select gen_random_uuid(), ${tenant}, 'completed', '{}', ${events}, 1, now() - interval '2 days' + make_interval(secs => n)
        from generate_series(1, ${count}) n returning id, tenant_id
      ), turns_made as (
        insert into turns (id, session_id, tenant_id, number, state, prompt)
        select gen_random_uuid(), id, tenant_id, 1, 'completed', 'hello' from made
      )
      insert into events (session_id, seq, tenant_id, kind, data, at)
      select id, seq, tenant_id, 'sdk', '{}', now() from made, generate_series(1, ${events}) seq
    `.execute(server.context.database.db);
  };
  const countRows = async (table: string): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(table)}`.execute(server.context.database.db);
    return rows[0]?.count ?? Number.NaN;
  };
  const ageOfOldest = async (): Promise<string> => {
    const { rows } = await sql<{ oldest: string }>`
      select min(ended_at)::text as oldest from sessions`.execute(server.context.database.db);
    return rows[0]?.oldest ?? '';
  };
  const run = async (kept: Partial<Retention>): Promise<void> => {
    const errors: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => errors.push(line) });
    await runRetention(server.context.sessions, { ...FOR_EVER, ...kept }, logger);
    assert.deepEqual(errors, []);
  };
  /** @param onBatch is told the ids of each commit */
  const telling = (onBatch: (ids: string[]) => void) => ({
    ...server.context.sessions,
    bus: {
      publishEvents: () => {},
      publish: (signals: Signal[]) =>
        onBatch(signals.flatMap((signal) => ('sessionId' in signal ? [signal.sessionId] : []))),
    } as unknown as EventBus,
  });

  describe('of sessions', () => {
    const filter = { tenantId: 'default', olderThanMs: DAY_MS };

    it('deletes thousands by two nodes at once, each of them once, in small commits', async () => {
      await insertEnded(3_000);
      const batches: string[][] = [];
      const services = telling((ids) => void batches.push(ids));
      const removed = await Promise.all([
        cleanUpSessions(services, filter),
        cleanUpSessions(services, filter),
      ]);
      assert.equal(removed[0] + removed[1], 3_000);
      assert.equal(new Set(batches.flat()).size, 3_000);
      assert.ok(batches.every((ids) => ids.length <= 200));
      for (const table of ['sessions', 'turns', 'events']) assert.equal(await countRows(table), 0, table);
    });

    it('begins with those that ended first, and goes on from where it was interrupted', async () => {
      await insertEnded(500);
      const before = await ageOfOldest();
      const closing = new AbortController();
      const services = { ...telling(() => closing.abort()), closing: closing.signal };
      await assert.rejects(cleanUpSessions(services, filter), { code: 'shutting_down' });
      assert.equal(await countRows('sessions'), 300, 'what was deleted stays so');
      assert.ok((await ageOfOldest()) > before);
      assert.equal(await cleanUpSessions(server.context.sessions, filter), 300);
    });

    it('takes few sessions at a time where they have many events', async () => {
      await insertEnded(5, { events: 9_000 });
      const batches: number[] = [];
      await cleanUpSessions(
        telling((ids) => void batches.push(ids.length)),
        filter,
      );
      assert.deepEqual(batches, [2, 2, 1]);
    });

    it('gets by sessions that two nodes delete at once, each with forks of what the other one deletes', async () => {
      await insertEnded(400);
      await sql`
        with numbered as (select id, row_number() over (order by ended_at) as n from sessions)
        update sessions set parent_id = parent.id
        from numbered mine join numbered parent on abs(mine.n - parent.n) = 200
        where mine.id = sessions.id`.execute(server.context.database.db);
      const both = [1, 2].map(async () => await cleanUpSessions(server.context.sessions, filter));
      const removed = await Promise.all(both);
      assert.equal((removed[0] ?? 0) + (removed[1] ?? 0), 400);
    });

    it('leaves one that somebody holds for the next time', async () => {
      const { db } = server.context.database;
      await insertEnded(3);
      await db.transaction().execute(async (trx) => {
        await sql`select from sessions order by ended_at limit 1 for no key update`.execute(trx);
        assert.equal(await cleanUpSessions(server.context.sessions, filter), 2);
      });
      assert.equal(await cleanUpSessions(server.context.sessions, filter), 1);
    });

    it('is answered by DELETE /sessions/cleanup with how many, those of the tenant alone', async () => {
      await insertEnded(450);
      await insertEnded(2, { tenant: 'other' });
      const answer = await server.request('DELETE', '/sessions/cleanup?max_age_hours=24');
      assert.deepEqual(answer.body, { removed: 450, message: 'Cleaned up 450 old sessions' });
      assert.equal(await countRows('sessions'), 2);
      await run({ retention: DAY_MS });
      assert.equal(await countRows('sessions'), 0);
    });
  });

  it('of the audit log deletes what is older, by its own way and never the last day', async () => {
    const { db } = server.context.database;
    const insert = async (daysOld: number): Promise<void> => {
      await sql`
        insert into audit_log (id, tenant_id, at, actor, ip, request_id, action, outcome, status, details)
        select gen_random_uuid(), 'default', now() - make_interval(days => ${daysOld}), 'ada', '::1', ${randomUUIDv7()},
          'session.create', 'done', 200, '{}' from generate_series(1, 2500)`.execute(db);
    };
    await sql`truncate sessions cascade`.execute(db);
    const others = await countRows('audit_log');
    for (const days of [0, 10, 20]) await insert(days);
    await run({});
    assert.equal(await countRows('audit_log'), others + 7_500, 'for ever is for ever');
    await run({ auditRetention: 15 * DAY_MS });
    assert.equal(await countRows('audit_log'), others + 5_000);
    await assert.rejects(
      sql`delete from audit_log where at < now() - interval '5 days'`.execute(db),
      /append-only/,
    );
    await assert.rejects(sql`select prune_audit_log(now(), 10000)`.execute(db), /append-only/);
    await assert.rejects(
      db.transaction().execute(async (trx) => {
        await sql`select prune_audit_log(now() - interval '30 days', 10)`.execute(trx);
        await sql`delete from audit_log where at < now() - interval '5 days'`.execute(trx);
      }),
      /append-only/,
    );
    for (const change of [
      sql`update audit_log set actor = 'nobody'`,
      sql`truncate audit_log`,
      sql`delete from audit_log`,
    ]) {
      const trick = db.transaction().execute(async (trx) => {
        await sql`set local greenroom.prunes_audit_log = 'on'`.execute(trx);
        await change.execute(trx);
      });
      await assert.rejects(trick, /append-only/);
    }
    const tenant = server.context.forTenant({ identity: LOCAL_USER });
    await assert.rejects(
      sql`select prune_audit_log(now() - interval '5 days', 10)`.execute(tenant.db),
      /permission denied/,
    );
    assert.equal(await countRows('audit_log'), others + 5_000);
  });

  it('of answers to an Idempotency-Key and of ids of deleted sessions is fixed', async () => {
    const { db } = server.context.database;
    await sql`delete from deleted_sessions`.execute(db);
    await sql`
      insert into idempotency_keys (tenant_id, route, key, request_hash, answer, created_at)
      select 'default', 'r', n::text, '', '1', now() - make_interval(hours => case when n > 10 then 25 else 23 end)
      from generate_series(1, 4510) n`.execute(db);
    await sql`
      insert into deleted_sessions (id, deleted_at)
      select gen_random_uuid(), now() - make_interval(days => case when n > 10 then 31 else 29 end)
      from generate_series(1, 4510) n`.execute(db);
    await run({});
    assert.deepEqual([await countRows('idempotency_keys'), await countRows('deleted_sessions')], [10, 10]);
  });

  it('of one kind that fails leaves the others, and says so', async () => {
    const { db } = server.context.database;
    await db
      .insertInto('deleted_sessions')
      .values({ id: randomUUID(), deleted_at: new Date(0) })
      .execute();
    await sql`alter table idempotency_keys rename to keys_for_a_while`.execute(db);
    const lines: { level: number; what: string }[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) });
    await insertEnded(1);
    try {
      await runRetention(server.context.sessions, { ...FOR_EVER, retention: DAY_MS }, logger);
    } finally {
      await sql`alter table keys_for_a_while rename to idempotency_keys`.execute(db);
    }
    assert.deepEqual(
      lines.map(({ what }) => what),
      ['answers to an Idempotency-Key'],
    );
    assert.equal(await countRows('sessions'), 0);
  });

  it('is told at the start', async () => {
    await using database = await createDatabase();
    await using directory = await temporaryDirectory();
    const lines: string[] = [];
    const stop = new AbortController();
    const config = testConfig({ dataDir: directory.path, databaseUrl: database.url, retention: 5_400_000 });
    await serve(config, {
      logger: pino({}, { write: (line) => lines.push(JSON.parse(line).msg) }),
      agentPath: '/usr/bin:/bin',
      isTerminal: false,
      setTemporaryDirectory: () => {},
      print: () => stop.abort(),
      stop: stop.signal,
      hurry: stop.signal,
      giveUp: (message) => assert.fail(message),
    });
    assert.ok(lines.includes(describeKept(config)), lines.join('\n'));
    assert.equal(
      describeKept(config),
      'keeps ended sessions with events and transcripts for 5400s (retention), entries of the audit log for 365d ' +
        '(auditRetention), single model requests for 90d (ledgerRetention) and their daily sums for ever, ' +
        'answers to an Idempotency-Key for 24h, jobs that are done for 1h',
    );
    assert.match(describeKept(FOR_EVER), /transcripts for ever \(retention\), .*log for ever /);
  });
});
