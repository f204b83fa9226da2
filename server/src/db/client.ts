import { Kysely, PostgresDialect } from 'kysely';
import { Pool, type PoolConfig, types as pgTypes, TypeOverrides } from 'pg';
import type { Logger } from '../log.ts';
import { type Database, SCHEMA } from './database.ts';

/** How to reach the database: a URL, or the socket of the embedded one. */
export type ConnectionTarget =
  | { connectionString: string }
  | { host: string; user: string; database: string };

export type DatabaseClient = {
  db: Kysely<Database>;
  pool: Pool;
  [Symbol.asyncDispose](): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TRANSACTION_MS = 15_000;

export function connectionConfig(target: ConnectionTarget, applicationName: string): PoolConfig {
  return {
    ...target,
    application_name: applicationName,
    // All tables live in one schema of their own, so that a shared database stays tidy.
    // A node that vanished in the middle of a transaction must not hold its locks for long.
    options: `-c search_path=${SCHEMA} -c idle_in_transaction_session_timeout=${IDLE_TRANSACTION_MS}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: typeParsers(),
  };
}

/** bigint and numeric as numbers: sequence numbers and dollars stay far below 2^53. */
function typeParsers(): TypeOverrides {
  const types = new TypeOverrides();
  types.setTypeParser(pgTypes.builtins.INT8, Number);
  types.setTypeParser(pgTypes.builtins.NUMERIC, Number);
  return types;
}

export function createDatabaseClient(
  target: ConnectionTarget,
  options: { logger: Logger; maxConnections?: number },
): DatabaseClient {
  const pool = new Pool({ ...connectionConfig(target, 'greenroom'), max: options.maxConnections ?? 20 });
  // A connection that breaks is replaced by the pool, and fails the query that uses it; without listeners the error
  // would end the process as well.
  pool.on('error', (error) => {
    if (!pool.ending) options.logger.warn({ reason: error.message }, 'lost an idle database connection');
  });
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, [Symbol.asyncDispose]: () => db.destroy() };
}
