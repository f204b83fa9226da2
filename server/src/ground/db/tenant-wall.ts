import { type Kysely, sql, type Transaction } from 'kysely';
import { StartupError } from '../errors.ts';
import { liftTimeout } from './client.ts';
import { type Database, QUEUE_SCHEMA, SCHEMA } from './database.ts';
import { INSUFFICIENT_PRIVILEGE } from './sqlstate.ts';
import { inTransaction } from './transaction.ts';

/*
 * The second wall between tenants: PostgreSQL itself, by row-level security. What requests do runs as a role that owns nothing, whose policies
 * show and take only rows of the tenant that the connection is set to. So a query that forgets its tenant finds nothing
 * of another one's. The wall is checked at every start, and covers every table that has a tenant_id by then.
 */

export const TENANT_ROLE = 'greenroom_tenant';
export const TENANT_SETTING = 'greenroom.tenant';

const POLICY = 'tenant_rows';
const ALL = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;
type Privilege = (typeof ALL)[number];

/** Where the role may do something else than everything in tables with a tenant_id, and nothing in others. */
const exceptions: Record<string, readonly Privilege[]> = {
  // Read by those who let somebody in, before there is a tenant.
  api_keys: [],
  // Written by the server alone.
  audit_log: ['SELECT'],
  budgets: ['SELECT'],
  usage_ledger: ['SELECT'],
  session_spending: ['SELECT'],
  ledger_start: ['SELECT'],
  usage_days: ['SELECT'],
  usage_tenant_days: ['SELECT'],
  usage_session_days: ['SELECT'],
  stream_tickets: [],
  sign_ins: [],
  sign_in_codes: [],
  deleted_sessions: ['INSERT'],
  workers: ['SELECT'],
  queue_round: ['SELECT'],
  let_through_calls: [],
};

type Table = {
  schema: string;
  name: string;
  hasTenant: boolean;
  isWalled: boolean;
  privileges: Privilege[];
};

/** Makes the wall, or what is missing of it. Any number of nodes may call it at once. */
export async function raiseTenantWall(db: Kysely<Database>): Promise<void> {
  try {
    if (await isComplete(db)) return;
    await inTransaction(db, async (trx) => {
      // Of tables that others use.
      await liftTimeout(trx, 'lock_timeout');
      await sql`select pg_advisory_xact_lock(hashtextextended('greenroom tenant wall', 0))`.execute(trx);
      await makeRole(trx);
      for (const table of await listTables(trx)) await closeTable(trx, table);
    });
  } catch (error) {
    if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new StartupError(
      `the database user may not set up the tenants' role: ${(error as Error).message}`,
      {
        cause: error,
        hint: `as a superuser, in any database of the cluster: create role ${TENANT_ROLE} nologin; grant ${TENANT_ROLE} to "${await currentUser(db)}";`,
      },
    );
  }
}

async function isComplete(db: Kysely<Database>): Promise<boolean> {
  if (!(await canBecomeRole(db))) return false;
  return (await listTables(db)).every((table) => isWalled(table) && hasItsPrivileges(table));
}

function isWalled({ hasTenant, isWalled }: Table): boolean {
  return !hasTenant || isWalled;
}

function hasItsPrivileges(table: Table): boolean {
  const wanted = privilegesFor(table);
  return wanted.length === table.privileges.length && wanted.every((one) => table.privileges.includes(one));
}

function privilegesFor({ schema, name, hasTenant }: Table): readonly Privilege[] {
  if (schema === QUEUE_SCHEMA) return ALL;
  return exceptions[name] ?? (hasTenant ? ALL : []);
}

async function listTables(db: Kysely<Database>): Promise<Table[]> {
  const { rows } = await sql<Table>`
    select schemas.nspname as schema, relname as name, relrowsecurity and exists (
        select from pg_policy where polrelid = tables.oid and polname = ${POLICY}
      ) as "isWalled", exists (
        select from pg_attribute where attrelid = tables.oid and attname = 'tenant_id' and not attisdropped
      ) as "hasTenant", array(
        select privilege from unnest(${[...ALL]}::text[]) as privilege, pg_roles
        where rolname = ${TENANT_ROLE} and has_table_privilege(pg_roles.oid, tables.oid, privilege)
      ) as privileges
    from pg_class as tables join pg_namespace as schemas on schemas.oid = relnamespace
    where schemas.nspname in (${SCHEMA}, ${QUEUE_SCHEMA}) and relkind in ('r', 'p')
  `.execute(db);
  return rows;
}

/** Whether the role is there, is as weak as it must be, and this program's user may take it. */
async function canBecomeRole(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ isStrong: boolean; isOurs: boolean; seesSchemas: boolean }>`
    select rolsuper or rolbypassrls as "isStrong",
      pg_has_role(oid, case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end)
        as "isOurs",
      has_schema_privilege(oid, ${SCHEMA}, 'USAGE') and has_schema_privilege(oid, ${QUEUE_SCHEMA}, 'USAGE')
        as "seesSchemas"
    from pg_roles where rolname = ${TENANT_ROLE}
  `.execute(db);
  const role = rows[0];
  if (role?.isStrong) {
    throw new StartupError(`the database role ${TENANT_ROLE} is not held by row-level security`, {
      hint: `alter role ${TENANT_ROLE} nosuperuser nobypassrls;`,
    });
  }
  return role?.isOurs === true && role.seesSchemas;
}

/** Roles are the cluster's: another database of it may have made this one, and may be doing so now. */
async function makeRole(trx: Transaction<Database>): Promise<void> {
  await sql`
    do $$ begin
      if not exists (select from pg_roles where rolname = '${sql.raw(TENANT_ROLE)}') then
        create role ${sql.id(TENANT_ROLE)} nologin;
      end if;
    exception when duplicate_object or unique_violation then null;
    end $$`.execute(trx);
  const { rows } = await sql<{ isOurs: boolean }>`
    select pg_has_role(${TENANT_ROLE},
      case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end) as "isOurs"
  `.execute(trx);
  if (!rows[0]?.isOurs) await sql`grant ${sql.id(TENANT_ROLE)} to current_user`.execute(trx);
  await sql`
    grant usage on schema ${sql.id(SCHEMA)}, ${sql.id(QUEUE_SCHEMA)} to ${sql.id(TENANT_ROLE)}`.execute(trx);
}

async function closeTable(trx: Transaction<Database>, table: Table): Promise<void> {
  const name = sql.table(`${table.schema}.${table.name}`);
  const role = sql.id(TENANT_ROLE);
  if (!isWalled(table)) {
    await sql`alter table ${name} enable row level security`.execute(trx);
    await sql`drop policy if exists ${sql.id(POLICY)} on ${name}`.execute(trx);
    // Without a tenant the setting is null, and nothing equals that.
    await sql`
      create policy ${sql.id(POLICY)} on ${name} to ${role}
      using (tenant_id = current_setting('${sql.raw(TENANT_SETTING)}', true))`.execute(trx);
  }
  if (hasItsPrivileges(table)) return;
  await sql`revoke all on ${name} from ${role}`.execute(trx);
  const wanted = privilegesFor(table);
  if (wanted.length === 0) return;
  await sql`grant ${sql.raw(wanted.join(', '))} on ${name} to ${role}`.execute(trx);
}

async function currentUser(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ name: string }>`select current_user as name`.execute(db);
  return rows[0]?.name ?? '';
}
