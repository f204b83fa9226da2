import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { StartupError } from '../errors.ts';
import { type Database, SCHEMA } from './database.ts';
import * as foundation from './migrations/0001-foundation.ts';
import * as liveSessions from './migrations/0002-live-sessions.ts';
import * as tenancy from './migrations/0003-tenancy.ts';
import * as usage from './migrations/0004-usage.ts';
import * as audit from './migrations/0005-audit.ts';
import * as isolation from './migrations/0006-isolation.ts';
import * as deletion from './migrations/0007-deletion.ts';
import * as sessionList from './migrations/0008-session-list.ts';
import * as signIn from './migrations/0009-sign-in.ts';
import * as console from './migrations/0010-console.ts';
import * as queueRounds from './migrations/0011-queue-rounds.ts';
import * as retention from './migrations/0012-retention.ts';
import * as lookups from './migrations/0013-lookups.ts';
import * as tasks from './migrations/0014-tasks.ts';
import * as tenantDays from './migrations/0015-tenant-days.ts';
import * as messages from './migrations/0016-messages.ts';
import * as goingOn from './migrations/0017-going-on.ts';
import * as parting from './migrations/0018-parting.ts';
import { UNDEFINED_TABLE, UNIQUE_VIOLATION } from './sqlstate.ts';

/** Forward only, in the order of their names; a migration that has shipped is never edited. */
const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-live-sessions': liveSessions,
  '0003-tenancy': tenancy,
  '0004-usage': usage,
  '0005-audit': audit,
  '0006-isolation': isolation,
  '0007-deletion': deletion,
  '0008-session-list': sessionList,
  '0009-sign-in': signIn,
  '0010-console': console,
  '0011-queue-rounds': queueRounds,
  '0012-retention': retention,
  '0013-lookups': lookups,
  '0014-tasks': tasks,
  '0015-tenant-days': tenantDays,
  '0016-messages': messages,
  '0017-going-on': goingOn,
  '0018-parting': parting,
};

const MIGRATION_TABLE = 'schema_migrations';

/** Brings the schema up to this program's version, under Kysely's advisory lock: any number of nodes may call it at once. */
export async function migrateToLatest(db: Kysely<Database>): Promise<void> {
  await requireSupportedServer(db);
  await sql`create schema if not exists ${sql.id(SCHEMA)}`.execute(db).catch(ignoreConcurrentCreate);
  await rejectNewerSchema(db);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: SCHEMA,
    migrationTableName: MIGRATION_TABLE,
    migrationLockTableName: `${MIGRATION_TABLE}_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

const OLDEST_SERVER = 150_000;

async function requireSupportedServer(db: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ version: number; text: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as text
  `.execute(db);
  const server = rows[0];
  if (server !== undefined && server.version < OLDEST_SERVER) {
    throw new StartupError(`PostgreSQL ${server.text} is too old: Greenroom needs 15 or newer`);
  }
}

async function rejectNewerSchema(db: Kysely<Database>): Promise<void> {
  const applied = await sql<{ name: string }>`select name from ${sql.table(`${SCHEMA}.${MIGRATION_TABLE}`)}`
    .execute(db)
    .then((result) => result.rows)
    .catch((error: { code?: string }) => {
      if (error.code === UNDEFINED_TABLE) return [];
      throw error;
    });
  const unknown = applied.map((row) => row.name).filter((name) => !(name in migrations));
  if (unknown.length === 0) return;
  throw new StartupError(`the database was made by a newer Greenroom (it has ${unknown.join(', ')})`, {
    hint: 'run that version or a later one; there is no way back to an older schema',
  });
}

// Two nodes that start at once may both see no schema: "if not exists" does not take a lock.
function ignoreConcurrentCreate(error: { code?: string }): void {
  const duplicateSchema = '42P06';
  if (error.code !== duplicateSchema && error.code !== UNIQUE_VIOLATION) throw error;
}
