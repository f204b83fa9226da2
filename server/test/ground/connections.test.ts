import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { createTenantDatabases } from '../../src/ground/db/tenant-databases.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { answerText, createDatabase, startTestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

const logger = createSilentLogger();

describe('a connection that is given back in the middle of a transaction', () => {
  const stack = new AsyncDisposableStack();
  let url: string;
  before(async () => {
    url = stack.use(await createDatabase()).url;
  });
  after(async () => await stack.disposeAsync());

  const pools: Record<string, (owner: AsyncDisposableStack) => Kysely<Database>> = {
    'the pool of the server': (owner) =>
      owner.use(createDatabaseClient({ connectionString: url }, { logger, maxConnections: 1 })).db,
    'the pool of requests': (owner) =>
      owner.use(createTenantDatabases({ connectionString: url }, { logger, maxConnections: 1 })).of('acme'),
  };
  for (const [pool, open] of Object.entries(pools)) {
    it(`goes out of ${pool} when the transaction is aborted`, async () => {
      await using owner = new AsyncDisposableStack();
      const db = open(owner);
      const before = await backendOf(db);
      await assert.rejects(sql.raw('begin; select 1/0; commit').execute(db), /division by zero/);
      assert.notEqual(await backendOf(db), before);
    });

    it(`goes out of ${pool} when the transaction is open`, async () => {
      await using owner = new AsyncDisposableStack();
      const db = open(owner);
      const before = await backendOf(db);
      await sql.raw('begin; select 1').execute(db);
      assert.notEqual(await backendOf(db), before);
    });

    it(`stays in ${pool} when there is none, and when it was rolled back`, async () => {
      await using owner = new AsyncDisposableStack();
      const db = open(owner);
      const before = await backendOf(db);
      await db.transaction().execute(async (trx) => await backendOf(trx));
      const failing = db.transaction().execute(async (trx) => await sql`select 1/0`.execute(trx));
      await assert.rejects(failing, /division by zero/);
      assert.equal(await backendOf(db), before);
    });
  }
});

describe('a statement of the queue that fails', () => {
  it('fails no other one, and ends no turn', async () => {
    await using database = await createDatabase();
    await using server = await startTestServer({ databaseUrl: database.url });
    const { db } = server.context.database;
    const id = await server.execute({ prompt: 'run: echo yes > marker', approvals: 'ask' });
    const asked = await server.event(id, (event) => event.kind === 'approval');
    await using stack = new AsyncDisposableStack();
    const connect = async (): Promise<Client> => {
      const outside = new Client(database.url);
      await outside.connect();
      stack.defer(async () => await outside.end());
      return outside;
    };
    const holder = await connect();
    const operator = await connect();

    await holder.query('begin; lock table greenroom_queue.job_common in access exclusive mode');
    // What the queue sends as one text, with its own begin and commit.
    await until('the queue waits in a transaction of its own', async () => {
      const { rowCount } = await operator.query(`
        select pg_cancel_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query ~ '^\\s*BEGIN;'`);
      return rowCount === 1;
    });
    const others = await Promise.allSettled(
      Array.from({ length: 50 }, async () => await sql`select`.execute(db)),
    );
    await holder.query('rollback');
    const failed = others.filter(({ status }) => status === 'rejected');
    assert.deepEqual(failed, []);
    const { approval } = asked.data as { approval: { approval_id: string } };
    await server.request('POST', `/approvals/${approval.approval_id}`, { decision: 'allow' });
    assert.match(answerText(await server.ended(id)), /I ran/);
  });
});

async function backendOf(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? assert.fail();
}
