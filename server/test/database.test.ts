import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { createDatabaseClient } from '../src/db/client.ts';
import { openDataDirectory } from '../src/db/data-directory.ts';
import { EmbeddedPostgres } from '../src/db/embedded-postgres.ts';
import { migrateToLatest } from '../src/db/migrate.ts';
import * as foundation from '../src/db/migrations/0001-foundation.ts';
import * as liveSessions from '../src/db/migrations/0002-live-sessions.ts';
import * as tenancy from '../src/db/migrations/0003-tenancy.ts';
import * as usage from '../src/db/migrations/0004-usage.ts';
import * as audit from '../src/db/migrations/0005-audit.ts';
import * as isolation from '../src/db/migrations/0006-isolation.ts';
import * as deletion from '../src/db/migrations/0007-deletion.ts';
import * as sessionList from '../src/db/migrations/0008-session-list.ts';
import * as signIn from '../src/db/migrations/0009-sign-in.ts';
import * as console from '../src/db/migrations/0010-console.ts';
import * as queueRounds from '../src/db/migrations/0011-queue-rounds.ts';
import { StartupError } from '../src/errors.ts';
import { newSessionId, newTurnId } from '../src/ids.ts';
import { createSilentLogger } from '../src/log.ts';
import { createDatabase, startTestServer, temporaryDirectory } from './harness.ts';

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
