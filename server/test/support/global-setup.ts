import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDataDirectory } from '../../src/ground/data-directory.ts';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import { migrateToLatest } from '../../src/ground/db/migrate.ts';
import { raiseTenantWall } from '../../src/ground/db/tenant-wall.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { EmbeddedPostgres } from '../../src/ground/postgres/embedded-postgres.ts';
import { ActivationQueue } from '../../src/ground/queue/queue.ts';

/*
 * One PostgreSQL for the whole run, with one template database that has every table; each test file works in a copy.
 * Where it is goes to the test processes by environment.
 */

const stack = new AsyncDisposableStack();

export async function globalSetup(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'greenroom-test-'));
  stack.defer(async () => await rm(directory, { recursive: true, force: true }));
  const logger = createSilentLogger();
  const dataDirectory = stack.use(openDataDirectory({ path: directory }));
  const postgres = stack.use(new EmbeddedPostgres({ dataDirectory: dataDirectory.path, logger }));
  await postgres.start();
  await makeTemplate(postgres.connection);
  process.env.TEST_POSTGRES_HOST = postgres.connection.host;
  process.env.TEST_POSTGRES_USER = postgres.connection.user;
  process.env.TEST_POSTGRES_PASSWORD = postgres.connection.password;
}

async function makeTemplate(connection: EmbeddedPostgres['connection']): Promise<void> {
  const admin = new Client({ ...connection, database: 'postgres' });
  await admin.connect();
  await admin.query('create database greenroom_template');
  await admin.end();
  await using database = createDatabaseClient(
    { ...connection, database: 'greenroom_template' },
    { logger: createSilentLogger() },
  );
  await migrateToLatest(database.db);
  await using queue = new ActivationQueue({ database, logger: createSilentLogger() });
  await queue.start();
  await raiseTenantWall(database.db);
}

export async function globalTeardown(): Promise<void> {
  await stack.disposeAsync();
}
