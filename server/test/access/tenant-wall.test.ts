import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { requireTenantRole } from '../../src/ground/db/tenant-databases.ts';
import { raiseTenantWall, TENANT_ROLE } from '../../src/ground/db/tenant-wall.ts';
import { StartupError } from '../../src/ground/errors.ts';
import { LOCAL_USER } from '../../src/ground/identity.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { createDatabase, startTestServer, type TestServer } from '../support/harness.ts';

const logger = createSilentLogger();

describe('the wall between tenants', () => {
  let server: TestServer;
  let everything: Kysely<Database>;
  const databaseOf = (tenantId: string): Kysely<Database> =>
    server.context.forTenant({ identity: { ...LOCAL_USER, tenantId } }).db;

  before(async () => {
    server = await startTestServer();
    everything = server.context.database.db;
    const id = await server.execute({ prompt: 'run: echo hello > greeting', approvals: 'ask' });
    const asked = await server.event(id, ({ kind }) => kind === 'approval');
    assert.ok(asked.kind === 'approval' && asked.data.phase === 'requested');
    await server.client.approvals.allow(asked.data.approval.approval_id);
    await server.ended(id);
  });
  after(async () => await server[Symbol.asyncDispose]());

  const tablesWithTenants = async (): Promise<string[]> => {
    const { rows } = await sql<{ name: string }>`
      select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid
      where relnamespace = 'greenroom'::regnamespace and relkind in ('r', 'p') and attname = 'tenant_id'
    `.execute(everything);
    return rows.map(({ name }) => name);
  };
  const count = async (db: Kysely<Database>, table: string): Promise<number> => {
    const { rows } = await sql<{
      count: number;
    }>`select count(*)::int as count from ${sql.table(table)}`.execute(db);
    return rows[0]?.count ?? 0;
  };

  it('stands in every table that has a tenant_id', async () => {
    const { rows } = await sql<{ name: string }>`
      select relname as name from pg_class
      where relnamespace = 'greenroom'::regnamespace and relrowsecurity
        and exists (select from pg_policy where polrelid = pg_class.oid)
    `.execute(everything);
    const tables = await tablesWithTenants();
    assert.ok(['sessions', 'turns', 'events', 'approvals'].every((name) => tables.includes(name)));
    assert.deepEqual(rows.map(({ name }) => name).toSorted(), tables.toSorted());
  });

  it("shows a query that forgets its tenant nothing of another one's, in any table", async () => {
    const filled: string[] = [];
    for (const table of await tablesWithTenants()) {
      const shown = async (tenant: string): Promise<number | 'denied'> =>
        await count(databaseOf(tenant), table).catch((error) => {
          assert.equal(error.code, '42501', `${table}: ${error}`);
          return 'denied' as const;
        });
      const [all, own, others] = [
        await count(everything, table),
        await shown('default'),
        await shown('other'),
      ];
      assert.ok(own === all || own === 'denied', `${table}: ${own} of ${all}`);
      assert.ok(others === 0 || others === 'denied', `${table}: ${others}`);
      if (all > 0 && own === all) filled.push(table);
    }
    for (const table of ['sessions', 'turns', 'events', 'approvals', 'transcripts']) {
      assert.ok(filled.includes(table), `${table} had nothing to hide`);
    }
  });

  it('lets a query change nothing that is of another tenant, nor leave anything there', async () => {
    const other = databaseOf('other');
    const changed = await sql`update sessions set title = 'mine'`.execute(other);
    const deleted = await sql`delete from sessions`.execute(other);
    assert.deepEqual([changed.numAffectedRows, deleted.numAffectedRows], [0n, 0n]);
    const insert = sql`
      insert into idempotency_keys (tenant_id, route, key, request_hash, answer)
      values ('default', 'r', 'k', 'h', '{}')
    `.execute(other);
    await assert.rejects(insert, { code: '42501' });
    await assert.rejects(sql`update workers set pid = 1`.execute(other), { code: '42501' });
  });

  it('holds however requests of tenants take turns on the same connections', async () => {
    const tenants = ['default', 'other', 'third'];
    const shown = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const tenant = tenants[n % 3] ?? '';
        const sessions = await databaseOf(tenant)
          .transaction()
          .execute(async (trx) => {
            const { rows } = await sql<{ tenant: string }>`
              select current_setting('greenroom.tenant') as tenant, current_user as role
            `.execute(trx);
            assert.deepEqual(rows, [{ tenant, role: TENANT_ROLE }]);
            return await count(trx, 'sessions');
          });
        return [tenant, sessions] as const;
      }),
    );
    for (const [tenant, sessions] of shown) assert.equal(sessions, tenant === 'default' ? 1 : 0);
  });

  it('is there again after it was broken: a start mends it', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient({ connectionString: database.url }, { logger });
    const { db } = client;
    await sql`alter table events disable row level security`.execute(db);
    await sql`drop policy tenant_rows on turns`.execute(db);
    await sql`grant select on api_keys to ${sql.id(TENANT_ROLE)}`.execute(db);
    await Promise.all([1, 2, 3].map(async () => await raiseTenantWall(db)));
    const { rows } = await sql<{ found: boolean[] }>`
      select array[
        (select relrowsecurity from pg_class where oid = 'events'::regclass),
        exists (select from pg_policy where polrelid = 'turns'::regclass),
        not has_table_privilege(${TENANT_ROLE}, 'api_keys', 'select')
      ] as found
    `.execute(db);
    assert.deepEqual(rows[0]?.found, [true, true, true]);
  });

  it('is refused with the statements to run when the database user may not set it up', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient({ connectionString: database.url }, { logger });
    await using weak = createDatabaseClient(
      { connectionString: database.url },
      { logger, maxConnections: 1 },
    );
    const user = 'greenroom_weak';
    await sql`create role ${sql.id(user)}`.execute(client.db);
    await sql`grant usage on schema greenroom, greenroom_queue to ${sql.id(user)}`.execute(client.db);
    await sql`set role ${sql.id(user)}`.execute(weak.db);
    await assert.rejects(raiseTenantWall(weak.db), (error) => {
      assert.ok(error instanceof StartupError);
      assert.match(
        error.hint ?? '',
        /create role greenroom_tenant nologin; grant greenroom_tenant to "greenroom_weak";/,
      );
      return true;
    });
    await sql`drop owned by ${sql.id(user)}`.execute(client.db);
    await sql`reset role`.execute(weak.db);
    await sql`drop role ${sql.id(user)}`.execute(client.db);
  });

  it('is what requests run behind, or the server does not start', async () => {
    await requireTenantRole(databaseOf('default'));
    await assert.rejects(requireTenantRole(everything), StartupError);
  });

  it('stands for a database user who is no superuser, once the role was given to them', async () => {
    await using account = await createAccount();
    await using weak = await startTestServer({ databaseUrl: account.url });
    const { rows } = await sql<{ isWeak: boolean; role: string }>`
      select not rolsuper as "isWeak", current_user as role from pg_roles where rolname = current_user
    `.execute(weak.context.database.db);
    assert.deepEqual(rows, [{ isWeak: true, role: account.user }]);
    const id = await weak.execute({ prompt: 'hello' });
    assert.equal((await weak.ended(id)).status, 'completed');
    const others = weak.context.forTenant({ identity: { ...LOCAL_USER, tenantId: 'other' } }).db;
    assert.equal(await count(others, 'sessions'), 0);
  });
});

/** A database of its own with an owner who may do nothing else. */
async function createAccount(): Promise<{
  url: string;
  user: string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const template = await createDatabase();
  const [user, password] = ['greenroom_owner', 'of-the-owner'];
  const name = `owned_${process.pid}`;
  const client = createDatabaseClient({ connectionString: template.url }, { logger });
  const run = async (statement: string): Promise<unknown> => await sql.raw(statement).execute(client.db);
  await run(`create role ${user} login password '${password}'`);
  await run(`grant ${TENANT_ROLE} to ${user}`);
  await run(`create database ${name} owner ${user}`);
  const url = new URL(template.url);
  url.username = user;
  url.password = password;
  url.pathname = `/${name}`;
  return {
    url: url.href,
    user,
    [Symbol.asyncDispose]: async () => {
      await run(`drop database ${name} with (force)`);
      await run(`drop role ${user}`);
      await client[Symbol.asyncDispose]();
      await template[Symbol.asyncDispose]();
    },
  };
}
