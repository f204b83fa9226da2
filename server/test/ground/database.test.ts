import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { openDataDirectory } from '../../src/ground/data-directory.ts';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import { QUEUE_SCHEMA, SCHEMA } from '../../src/ground/db/database.ts';
import { migrateToLatest } from '../../src/ground/db/migrate.ts';
import * as foundation from '../../src/ground/db/migrations/0001-foundation.ts';
import * as liveSessions from '../../src/ground/db/migrations/0002-live-sessions.ts';
import * as tenancy from '../../src/ground/db/migrations/0003-tenancy.ts';
import * as usage from '../../src/ground/db/migrations/0004-usage.ts';
import * as audit from '../../src/ground/db/migrations/0005-audit.ts';
import * as isolation from '../../src/ground/db/migrations/0006-isolation.ts';
import * as deletion from '../../src/ground/db/migrations/0007-deletion.ts';
import * as sessionList from '../../src/ground/db/migrations/0008-session-list.ts';
import * as signIn from '../../src/ground/db/migrations/0009-sign-in.ts';
import * as console from '../../src/ground/db/migrations/0010-console.ts';
import * as queueRounds from '../../src/ground/db/migrations/0011-queue-rounds.ts';
import * as retention from '../../src/ground/db/migrations/0012-retention.ts';
import * as tenantDays from '../../src/ground/db/migrations/0015-tenant-days.ts';
import { StartupError } from '../../src/ground/errors.ts';
import { newSessionId, newTurnId } from '../../src/ground/ids.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { EmbeddedPostgres } from '../../src/ground/postgres/embedded-postgres.ts';
import { createDatabase, startTestServer, temporaryDirectory } from '../support/harness.ts';

const logger = createSilentLogger();

describe('the database', () => {
  it('that a newer program has migrated is refused', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient({ connectionString: database.url }, { logger });
    await sql`insert into greenroom.schema_migrations (name, timestamp) values ('9999-from-the-future', '')`.execute(
      client.db,
    );
    await assert.rejects(
      migrateToLatest(client.db),
      (error) => error instanceof StartupError && /newer.*9999-from-the-future/.test(error.message),
    );
  });

  it('can be migrated by many servers that start at once', async () => {
    await using database = await createDatabase();
    const clients = [1, 2, 3, 4].map(() =>
      createDatabaseClient({ connectionString: database.url }, { logger }),
    );
    await sql`drop schema greenroom cascade`.execute(clients[0]?.db ?? assert.fail());
    await Promise.all(clients.map(async ({ db }) => await migrateToLatest(db)));
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  it('brings along what the version before the list of sessions had stored', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient({ connectionString: database.url }, { logger });
    const db = client.db as unknown as Kysely<unknown>;
    await sql`drop schema greenroom cascade`.execute(db);
    await sql`create schema greenroom`.execute(db);
    for (const { up } of [foundation, liveSessions, tenancy, usage, audit, isolation, deletion]) await up(db);
    const id = newSessionId();
    const options = { model: 'sonnet', permission_mode: 'plan', system_prompt: 'a\u0000b' };
    const metadata = { label: 'ä "quoted"' };
    await sql`
      insert into sessions (id, tenant_id, status, options, metadata, last_seq)
      values (${id}, 'default', 'completed', ${JSON.stringify(options)}, ${JSON.stringify(metadata)}, 4)`.execute(
      db,
    );
    for (const [number, prompt] of [`two\n\tlines ${'x'.repeat(2_000)}`, 'waits', 'waits too'].entries()) {
      await sql`
        insert into turns (id, session_id, tenant_id, number, state, prompt, usage)
        values (${newTurnId()}, ${id}, 'default', ${number + 1}, ${number === 0 ? 'completed' : 'queued'}, ${prompt}, '{}')`.execute(
        db,
      );
    }
    const later = {
      '0008-session-list': sessionList,
      '0009-sign-in': signIn,
      '0010-console': console,
      '0011-queue-rounds': queueRounds,
    };
    const provider = { getMigrations: async () => later };
    const { error } = await new Migrator({ db, provider }).migrateToLatest();
    assert.equal(error, undefined);

    const session = await client.db.selectFrom('sessions').selectAll().executeTakeFirstOrThrow();
    assert.deepEqual(
      [session.model, session.permission_mode, session.is_archived],
      ['sonnet', 'plan', false],
    );
    assert.deepEqual([session.metadata, session.options], [metadata, options]);
    assert.match(session.prompt ?? '', /^two lines x{190}$/);
    const waiting = await client.db
      .selectFrom('turns')
      .select(['number', 'place'])
      .orderBy('place')
      .execute();
    assert.deepEqual(
      waiting.map(({ number, place }) => [number, place]),
      [
        [1, 0],
        [2, 2],
        [3, 3],
      ],
    );
  });

  it('sums the ledger that the version before its sums had written', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient({ connectionString: database.url }, { logger });
    const db = client.db as unknown as Kysely<unknown>;
    await sql`drop schema greenroom cascade`.execute(db);
    await sql`create schema greenroom`.execute(db);
    const before = [foundation, liveSessions, tenancy, usage, audit, isolation, deletion, sessionList];
    for (const { up } of [...before, signIn, console]) await up(db);
    const [id, gone] = [newSessionId(), newSessionId()];
    await sql`
      insert into sessions (id, tenant_id, status, options) values (${id}, 'default', 'completed', '{}')`.execute(
      db,
    );
    await sql`
      insert into session_spending (session_id, tenant_id, spent_usd, reserved_usd)
      values (${id}, 'default', 0.3, 7)`.execute(db);
    await sql`
      insert into usage_ledger (id, tenant_id, session_id, api_key_id, model, status, cost_usd, input_tokens,
        output_tokens, cache_read_tokens, cache_write_tokens, web_searches, started_at)
      select gen_random_uuid(), 'default', session_id::uuid, key, 'm', status, cost, 1, 2, 3, 4, 5, at::timestamptz
      from (values
        (${id}, null, 'settled', 0.1, '2026-11-01T23:59:59Z'), (${id}, null, 'settled', 0.2, '2026-11-02T00:00:00Z'),
        (${gone}, null, 'settled', 0.3, '2026-11-02T01:00:00Z'), (${gone}, 'k', 'settled', 0.4, '2026-11-02T01:00:00Z'),
        (${id}, null, 'released', 0, '2026-11-02T02:00:00Z'), (${id}, null, 'reserved', 0, '2026-11-02T02:00:00Z')
      ) entries (session_id, key, status, cost, at)`.execute(db);
    await db.transaction().execute(async (trx) => await retention.up(trx));

    const { rows: days } = await sql`
      select day::text, api_key_id, requests, input_tokens, cost_usd from usage_days order by day, api_key_id
    `.execute(client.db);
    const figures = (requests: number, cost_usd: number) => ({ requests, input_tokens: requests, cost_usd });
    assert.deepEqual(days, [
      { day: '2026-11-01', api_key_id: null, ...figures(1, 0.1) },
      { day: '2026-11-02', api_key_id: 'k', ...figures(1, 0.4) },
      { day: '2026-11-02', api_key_id: null, ...figures(2, 0.5) },
    ]);
    await db.transaction().execute(async (trx) => await tenantDays.up(trx));
    const { rows: ofTenant } = await sql`
      select day::text, requests, input_tokens, cost_usd from usage_tenant_days order by day`.execute(
      client.db,
    );
    assert.deepEqual(ofTenant, [
      { day: '2026-11-01', ...figures(1, 0.1) },
      { day: '2026-11-02', ...figures(3, 0.9) },
    ]);
    const { rows: sessions } = await sql`
      select session_id, day::text, sum(requests) as requests, sum(web_searches) as searches, sum(cost_usd) as cost
      from usage_session_days group by session_id, day order by day, cost`.execute(client.db);
    assert.deepEqual(sessions, [
      { session_id: id, day: '2026-11-01', requests: 1, searches: 5, cost: 0.1 },
      { session_id: id, day: '2026-11-02', requests: 1, searches: 5, cost: 0.2 },
      { session_id: gone, day: '2026-11-02', requests: 2, searches: 10, cost: 0.7 },
    ]);
    const spending = await client.db.selectFrom('session_spending').selectAll().execute();
    assert.deepEqual(spending, [
      {
        session_id: id,
        tenant_id: 'default',
        spent_usd: 0.3,
        reserved_usd: 7,
        input_tokens: 2,
        output_tokens: 4,
        cache_read_tokens: 6,
        cache_write_tokens: 8,
      },
    ]);
  });

  it('has an index for every foreign key: without one, each row that is deleted costs a look at all that may name it', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient({ connectionString: database.url }, { logger });
    // A tenant alone tells few rows apart: what matters is the other column.
    const { rows } = await sql<{ key: string; isIndexed: boolean }>`
      with keys as (
        select conrelid, conrelid::regclass::text || '.' || conname as key, array(
          select attnum from pg_attribute where attrelid = conrelid and attnum = any(conkey) and attname != 'tenant_id'
          order by attnum
        ) as columns
        from pg_constraint
        where contype = 'f' and connamespace::regnamespace::text in (${SCHEMA}, ${QUEUE_SCHEMA})
      )
      select key, exists (
        select from pg_index
        where indrelid = conrelid and indisvalid
          and (indpred is null or pg_get_expr(indpred, indrelid) like '(% IS NOT NULL)')
          and array(select unnest(indkey[0:cardinality(columns) - 1]) order by 1) = columns
      ) as "isIndexed"
      from keys order by key
    `.execute(client.db);
    assert.ok(rows.length >= 9, 'it sees the keys that are there');
    // Those name a queue of the few that there are, and none is ever deleted.
    const exceptions = ['job_common.dlq', 'queue.queue_dead_letter', 'subscription.subscription_name'];
    assert.deepEqual(
      rows.flatMap(({ key, isIndexed }) => (isIndexed ? [] : [key])),
      exceptions.map((name) => `${QUEUE_SCHEMA}.${name}_fkey`),
    );
  });

  it('may be away: requests get 503 with Retry-After meanwhile, and all works again when it is back', async () => {
    await using directory = await temporaryDirectory();
    using held = openDataDirectory({ path: directory.path });
    const postgres = new EmbeddedPostgres({ dataDirectory: held.path, logger });
    await postgres.start();
    const { host, user, password, database } = postgres.connection;
    const databaseUrl = `postgresql://${user}:${password}@localhost/${database}?host=${encodeURIComponent(host)}`;
    const back = new EmbeddedPostgres({ dataDirectory: held.path, logger });
    await using stack = new AsyncDisposableStack();
    stack.use(back);
    const server = stack.use(await startTestServer({ databaseUrl }));
    const id = await server.execute({ prompt: 'My name is Edsger.' });
    await server.ended(id);
    await postgres[Symbol.asyncDispose]();

    const refused = await server.request('POST', '/execute/', { prompt: 'hello' });
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'database_unavailable');
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.equal((await server.request('GET', `/status/${id}`)).status, 503);
    assert.equal((await server.request('GET', '/readyz')).status, 503);
    assert.equal((await server.request('GET', '/healthz')).status, 200);

    await back.start();
    await server.execute({ prompt: 'What is my name?', resume_session_id: id });
    assert.equal((await server.ended(id)).status, 'completed');
  });
});
