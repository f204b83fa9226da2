import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { Config } from '../config/config.ts';
import type { DataDirectory } from '../data-directory.ts';
import {
  type ConnectionTarget,
  createDatabaseClient,
  type DatabaseClient,
  TIMEOUTS,
  type Timeouts,
} from '../db/client.ts';
import type { Database } from '../db/database.ts';
import { migrateToLatest } from '../db/migrate.ts';
import { Notifications } from '../db/notifications.ts';
import { createTenantDatabases, requireTenantRole } from '../db/tenant-databases.ts';
import { raiseTenantWall } from '../db/tenant-wall.ts';
import { StartupError } from '../errors.ts';
import { DEFAULT_TENANT } from '../identity.ts';
import type { Logger } from '../log.ts';
import { ActivationQueue } from '../queue/queue.ts';
import { EmbeddedPostgres } from './embedded-postgres.ts';
import { cannotUse, type DatabaseWords, waitForDatabase } from './start-patience.ts';

export type OpenedDatabase = {
  /** Of the server itself: all rows. */
  database: DatabaseClient;
  target: ConnectionTarget;
  /** As people know it. */
  words: DatabaseWords;
  notifications: Notifications;
  queue: ActivationQueue;
  /** The rows of one tenant, and no others. */
  ofTenant(tenantId: string): Kysely<Database>;
  /** At the start the database may be away for a while. */
  waited<T>(step: () => Promise<T>): Promise<T>;
};

type Opening = {
  dataDirectory: DataDirectory;
  logger: Logger;
  timeouts: Partial<Timeouts> | undefined;
  stack: AsyncDisposableStack;
};

/** The database that is configured, or the embedded one, which is started: with tables, queue and wall as this version has them. */
export async function openDatabase(
  config: Config,
  { dataDirectory, logger, timeouts: given, stack }: Opening,
): Promise<OpenedDatabase> {
  const target = await connectionTarget(config, dataDirectory, { stack, logger });
  const words = describeDatabase(config);
  const waited = async <T>(step: () => Promise<T>): Promise<T> => await waitForDatabase(words, step);
  await prepareDatabase(target, { words, logger });
  const timeouts = { ...TIMEOUTS, ...given };
  const database = stack.use(createDatabaseClient(target, { logger, timeouts }));
  const notifications = stack.use(new Notifications({ target, pool: database.pool, logger }));
  const queue = stack.use(new ActivationQueue({ database, logger }));
  await waited(async () => await queue.start());
  // Around the queue's tables as well.
  await waited(async () => await raiseTenantWall(database.db));
  const tenants = stack.use(createTenantDatabases(target, { logger, timeouts }));
  await waited(async () => await requireTenantRole(tenants.of(DEFAULT_TENANT)));
  return {
    database,
    target,
    words,
    notifications,
    queue,
    ofTenant: (tenantId) => tenants.of(tenantId),
    waited,
  };
}

async function connectionTarget(
  config: Config,
  dataDirectory: DataDirectory,
  { stack, logger }: { stack: AsyncDisposableStack; logger: Logger },
): Promise<ConnectionTarget> {
  if (config.databaseUrl !== null) return { connectionString: config.databaseUrl };
  const postgres = stack.use(new EmbeddedPostgres({ dataDirectory: dataDirectory.path, logger }));
  await postgres.start();
  return postgres.connection;
}

function describeDatabase({ databaseUrl, dataDir }: Config): DatabaseWords {
  if (databaseUrl === null)
    return { name: 'the embedded database', hint: `see ${join(dataDir, 'postgres.log')}` };
  return { name: `the database at ${new URL(databaseUrl).host}`, hint: 'check DATABASE_URL' };
}

/** Whatever the first use of the database fails with is the operator's to mend. */
async function prepareDatabase(
  target: ConnectionTarget,
  { words, logger }: { words: DatabaseWords; logger: Logger },
): Promise<void> {
  // Migrations may take as long as they need.
  await using database = createDatabaseClient(target, { logger, maxConnections: 2 });
  try {
    await waitForDatabase(words, async () => await migrateToLatest(database.db));
  } catch (error) {
    throw error instanceof StartupError ? error : cannotUse(words, error);
  }
}
