import { realpathSync } from 'node:fs';
import type { Config } from '../ground/config/config.ts';
import { DataDirectoryInUse, openDataDirectory } from '../ground/data-directory.ts';
import { type ConnectionTarget, createDatabaseClient, type DatabaseClient } from '../ground/db/client.ts';
import { migrateToLatest } from '../ground/db/migrate.ts';
import type { Logger } from '../ground/log.ts';
import { EmbeddedPostgres, embeddedConnection } from '../ground/postgres/embedded-postgres.ts';

export type OperatorDatabase = DatabaseClient & { target: ConnectionTarget; dataDirectory: string };

/**
 * The database of a server, for a command beside it: the one that is configured; else the embedded one, through its
 * socket when a server runs it, and otherwise started for as long as the command lasts.
 */
export async function openOperatorDatabase(config: Config, logger: Logger): Promise<OperatorDatabase> {
  await using stack = new AsyncDisposableStack();
  const { target, dataDirectory } = await findTarget(config, { stack, logger });
  const client = stack.use(createDatabaseClient(target, { logger, maxConnections: 2 }));
  await migrateToLatest(client.db);
  const resources = stack.move();
  return {
    ...client,
    target,
    dataDirectory,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

async function findTarget(
  config: Config,
  { stack, logger }: { stack: AsyncDisposableStack; logger: Logger },
): Promise<Pick<OperatorDatabase, 'target' | 'dataDirectory'>> {
  const { path, isOurs } = openOrShare(config.dataDir, stack);
  if (config.databaseUrl !== null) {
    return { target: { connectionString: config.databaseUrl }, dataDirectory: path };
  }
  if (!isOurs) return { target: embeddedConnection(path), dataDirectory: path };
  const postgres = stack.use(new EmbeddedPostgres({ dataDirectory: path, logger }));
  await postgres.start();
  return { target: postgres.connection, dataDirectory: path };
}

function openOrShare(path: string, stack: AsyncDisposableStack): { path: string; isOurs: boolean } {
  try {
    return { path: stack.use(openDataDirectory({ path })).path, isOurs: true };
  } catch (error) {
    if (error instanceof DataDirectoryInUse) return { path: realpathSync(path), isOurs: false };
    throw error;
  }
}
