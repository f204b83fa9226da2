import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { StartupError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type ConnectionTarget, connectionConfig, createPool, type Timeouts } from './client.ts';
import type { Database } from './database.ts';
import { TENANT_ROLE, TENANT_SETTING } from './tenant-wall.ts';

const MAX_CONNECTIONS = 12;

/** The database as one tenant has it (tenant-wall.ts). All tenants share the connections. */
export type TenantDatabases = {
  of(tenantId: string): Kysely<Database>;
  [Symbol.asyncDispose](): Promise<void>;
};

export function createTenantDatabases(
  target: ConnectionTarget,
  options: { logger: Logger; maxConnections?: number; timeouts?: Timeouts },
): TenantDatabases {
  const { logger, maxConnections = MAX_CONNECTIONS, timeouts } = options;
  const config = {
    ...connectionConfig(target, 'greenroom-tenant', { ...timeouts, role: TENANT_ROLE }),
    max: maxConnections,
    // Some stay: the next request after a pause must not wait for a new connection.
    min: Math.min(2, maxConnections),
  };
  const pool = createPool(config, logger);
  const servedLast = new WeakMap<PoolClient, string>();
  const databases = new Map<string, Kysely<Database>>();
  return {
    of: (tenantId) => {
      if (tenantId === '') throw new Error('a request without a tenant has nothing in the database');
      const known = databases.get(tenantId);
      if (known !== undefined) return known;
      const dialect = new PostgresDialect({ pool: poolOfTenant(pool, { tenantId, servedLast }) });
      const database = new Kysely<Database>({ dialect });
      databases.set(tenantId, database);
      return database;
    },
    [Symbol.asyncDispose]: async () => await pool.end(),
  };
}

/** Whether the wall stands on these connections. It also makes the first of them, so that no request waits for it. */
export async function requireTenantRole(db: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ role: string }>`select current_user as role`.execute(db);
  if (rows[0]?.role === TENANT_ROLE) return;
  throw new StartupError(`requests would not run as ${TENANT_ROLE}, but as ${rows[0]?.role}`, {
    hint: 'connect to PostgreSQL itself: something in between drops the options of connections',
  });
}

/** Hands out connections that show this tenant's rows; one that served another tenant last is set over first. */
function poolOfTenant(
  pool: Pool,
  { tenantId, servedLast }: { tenantId: string; servedLast: WeakMap<PoolClient, string> },
): PostgresPool {
  const connect = async (): Promise<PoolClient> => {
    const client = await pool.connect();
    if (servedLast.get(client) === tenantId) return client;
    try {
      servedLast.delete(client);
      await client.query('select set_config($1, $2, false)', [TENANT_SETTING, tenantId]);
      servedLast.set(client, tenantId);
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  };
  return { connect, end: async () => {}, options: pool.options } as PostgresPool;
}
