import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type CompiledQuery, Kysely, type Logger, PostgresDialect, sql, type Transaction } from 'kysely';
import { createDatabaseClient, type DatabaseClient } from '../../src/ground/db/client.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { ActivationQueue } from '../../src/ground/queue/queue.ts';
import { createDatabase } from '../support/harness.ts';

const PAST = 100_000;
const WAITING = 500;

type Plan = { 'Node Type': string; 'Relation Name'?: string; 'Total Cost': number; Plans?: Plan[] };

describe('the queue beside 100,000 sessions and jobs that have ended', () => {
  const stack = new AsyncDisposableStack();
  const logger = createSilentLogger();
  const sent: CompiledQuery[] = [];
  let client: DatabaseClient;
  let db: Kysely<Database>;
  let queue: ActivationQueue;
  let waiting = '';
  before(async () => {
    const { url } = stack.use(await createDatabase());
    client = stack.use(createDatabaseClient({ connectionString: url }, { logger }));
    const dialect = new PostgresDialect({ pool: client.pool });
    const log: Logger = ({ query }) => {
      sent.push(query);
    };
    db = new Kysely<Database>({ dialect, log });
    queue = stack.use(new ActivationQueue({ database: { db, pool: client.pool }, logger }));
    await queue.start();
    waiting = await fill(client.db);
  });
  after(async () => await stack.disposeAsync());

  const statements: Record<string, (trx: Transaction<Database>) => Promise<unknown>> = {
    'looks for work': async () => await queue.hasWork(),
    'finds the place of a session': async () =>
      assert.equal(typeof (await queue.position(waiting)), 'number'),
    'finds sessions that lost their job': async () => assert.deepEqual(await queue.findForgotten(), []),
    'takes a job in': async (trx) => await queue.send(trx, { id: newSessionId(), tenantId: 'tenant 1' }),
    'sees that a session has one': async (trx) =>
      await queue.send(trx, { id: waiting, tenantId: 'tenant 1' }),
    'takes one back': async (trx) => await queue.withdraw(trx, waiting),
    'forgets those of deleted sessions': async (trx) => await queue.forget(trx, [waiting, newSessionId()]),
    'gives jobs out, and ends them': async (trx) => {
      const [job] = await queue.fetch(1);
      assert.ok(job !== undefined && (await queue.lockClaim(trx, job)));
      await queue.complete(trx, job);
    },
  };
  for (const [what, run] of Object.entries(statements)) {
    it(`${what} without reading those`, async () => {
      sent.length = 0;
      await db.transaction().execute(run);
      const plans = await Promise.all(
        sent.filter(isPlanned).map(async (query) => await explain(client, query)),
      );
      assert.ok(plans.length > 0);
      for (const { query, plan } of plans) {
        const scanned = nodesOf(plan).filter((node) => node['Node Type'].endsWith('Seq Scan'));
        const large = scanned.filter((node) => /^(sessions|turns|job)/.test(node['Relation Name'] ?? ''));
        assert.deepEqual(large, [], query.sql);
        assert.ok(plan['Total Cost'] < 20 * WAITING, `${plan['Total Cost']}: ${query.sql}`);
      }
    });
  }
});

/** @returns a session that waits */
async function fill(db: Kysely<Database>): Promise<string> {
  await sql`
    insert into sessions (id, tenant_id, status, options, metadata, last_seq)
    select gen_random_uuid(), 'tenant ' || n % 20, case when n <= ${WAITING} then 'pending' else 'completed' end, '{}', '{}', 4
    from generate_series(1, ${PAST + WAITING}) as n`.execute(db);
  await sql`
    insert into turns (id, session_id, tenant_id, number, state, prompt, usage, queued_at)
    select gen_random_uuid(), id, tenant_id, 1, case status when 'pending' then 'queued' else status end, 'hello', '{}',
      now() - interval '1 hour'
    from sessions`.execute(db);
  await sql`
    insert into greenroom_queue.job (name, data, state, policy, singleton_key, group_id, priority, started_on, completed_on, heartbeat_seconds)
    select 'activation', json_build_object('sessionId', id),
      (case status when 'pending' then 'created' else status end)::greenroom_queue.job_state, 'exclusive', id, tenant_id,
      -(row_number() over (partition by tenant_id order by status desc))::int,
      case status when 'completed' then now() end, case status when 'completed' then now() end, 10
    from sessions`.execute(db);
  for (const table of ['sessions', 'turns', 'greenroom_queue.job_common']) {
    await sql`vacuum analyze ${sql.table(table)}`.execute(db);
  }
  const { id } = await db
    .selectFrom('sessions')
    .select('id')
    .where('status', '=', 'pending')
    .limit(1)
    .executeTakeFirstOrThrow();
  return id;
}

function isPlanned({ sql: text }: CompiledQuery): boolean {
  return /^\s*(with|select|insert|update|delete)\b/i.test(text);
}

async function explain(
  { pool }: DatabaseClient,
  query: CompiledQuery,
): Promise<{ query: CompiledQuery; plan: Plan }> {
  const { rows } = await pool.query(`explain (format json) ${query.sql}`, [...query.parameters]);
  return { query, plan: rows[0]['QUERY PLAN'][0].Plan };
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
