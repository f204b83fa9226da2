import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { Pool, type PoolClient, type PoolConfig, types as pgTypes, TypeOverrides } from 'pg';
import type { Logger } from '../log.ts';
import { type Database, SCHEMA } from './database.ts';

/** How to reach the database: a URL, or the socket of the embedded one. */
export type ConnectionTarget =
  | { connectionString: string }
  | { host: string; user: string; password: string; database: string };

export type DatabaseClient = {
  db: Kysely<Database>;
  pool: Pool;
  [Symbol.asyncDispose](): Promise<void>;
};

const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TRANSACTION_MS = 15_000;

/**
 * In milliseconds. What takes longer is a fault, and is to be heard of as one: a transaction that somebody forgot, a report
 * over too much.
 */
export const TIMEOUTS = { lock_timeout: 10_000, statement_timeout: 60_000 };
export type Timeouts = typeof TIMEOUTS;

/** `settings` hold from the start of each connection. */
export function connectionConfig(
  target: ConnectionTarget,
  applicationName: string,
  settings: Record<string, string | number> = {},
): PoolConfig {
  const all = {
    // All tables live in one schema of their own, so that a shared database stays tidy.
    search_path: SCHEMA,
    // A node that vanished in the middle of a transaction must not hold its locks for long.
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    ...settings,
  };
  return {
    ...target,
    application_name: applicationName,
    options: Object.entries(all)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
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
  options: { logger: Logger; maxConnections?: number; timeouts?: Timeouts },
): DatabaseClient {
  const config = {
    ...connectionConfig(target, 'greenroom', options.timeouts),
    max: options.maxConnections ?? 16,
  };
  const pool = createPool(config, options.logger);
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, [Symbol.asyncDispose]: () => db.destroy() };
}

/** For a transaction that may rightly take long: how much it has to do, nobody knows. */
export async function liftTimeout(trx: Transaction<Database>, name: keyof Timeouts): Promise<void> {
  await sql`select set_config(${name}, '0', true)`.execute(trx);
}

/**
 * Hands out connections that are in no transaction. One that breaks is replaced, and fails the query that uses it; without
 * listeners the error would end the process as well.
 */
export function createPool(config: PoolConfig, logger: Logger): Pool {
  const pool = new Pool(config);
  pool.on('error', (error) => {
    if (!pool.ending) logger.warn({ reason: error.message }, 'lost an idle database connection');
  });
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('release', (error, client) => {
    // Whoever had it next would be in that transaction, or fail with it. What is ended is not taken back.
    if (!error && !isIdle(client)) client.end().catch(() => {});
  });
  return pool;
}

/** An error is told before the state that it leaves: until that has come as well, the state is that of before. */
function isIdle(client: PoolClient): boolean {
  const { readyForQuery } = client as PoolClient & { readyForQuery: boolean };
  return readyForQuery && client.getTransactionStatus() === 'I';
}
