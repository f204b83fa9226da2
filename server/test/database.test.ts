import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import { createDatabaseClient } from '../src/db/client.ts';
import { openDataDirectory } from '../src/db/data-directory.ts';
import { EmbeddedPostgres } from '../src/db/embedded-postgres.ts';
import { migrateToLatest } from '../src/db/migrate.ts';
import { StartupError } from '../src/errors.ts';
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
