import { setTimeout as sleep } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { INVALID_CATALOG_NAME } from '../db/sqlstate.ts';
import type { Postmaster } from './postmaster.ts';

/** For a `pg` client or pool. The fields that PGPORT or PGSSLMODE would set otherwise are there too. */
export type PostgresConnection = {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  ssl: false;
};

const CANNOT_CONNECT_NOW = '57P03';
const TIMEOUT_MS = 30_000;
const MIN_POLL_MS = 5;
const MAX_POLL_MS = 100;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Resolves to true when the database takes connections, and false when the postmaster ended before, or said nothing
 * for too long. As long as it says that it is starting we wait: recovery from a crash takes what it takes.
 */
export async function waitUntilReady(
  connection: PostgresConnection,
  postmaster: Postmaster,
): Promise<boolean> {
  let deadline = Date.now() + TIMEOUT_MS;
  let pause = MIN_POLL_MS;
  while (!postmaster.hasEnded() && Date.now() < deadline) {
    const code = await tryToConnect(connection);
    if (code === undefined) return true;
    if (code === INVALID_CATALOG_NAME) await createDatabase(connection);
    if (code === CANNOT_CONNECT_NOW) deadline = Date.now() + TIMEOUT_MS;
    await Promise.race([sleep(pause), postmaster.ended]);
    pause = Math.min(pause * 1.5, MAX_POLL_MS);
  }
  return false;
}

/** The code of the error, if there was one. */
async function tryToConnect(connection: PostgresConnection): Promise<string | undefined> {
  try {
    await withClient(connection, async () => {});
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? '';
  }
}

async function createDatabase({ database, ...connection }: PostgresConnection): Promise<void> {
  await withClient({ ...connection, database: 'postgres' }, (client) =>
    client.query(`create database ${escapeIdentifier(database)}`),
  );
}

async function withClient<T>(
  connection: PostgresConnection,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ ...connection, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks is also told by the promise of what we do with it.
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
