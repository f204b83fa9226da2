import { type Insertable, type Kysely, sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { inTransaction } from '../db/transaction.ts';
import type { ActivationQueue } from './queue.ts';
import type { WorkerTable } from './table.ts';

export type WorkerIdentity = {
  id: string;
  nodeId: string;
  hostname: string;
  pid: number;
  maxSessions: number;
};

/**
 * Registers this worker and removes those that ran on the same data directory before: it is locked, so they are dead.
 *
 * @returns the jobs that they held
 */
export async function registerWorker(db: Kysely<Database>, worker: WorkerIdentity): Promise<string[]> {
  return await inTransaction(db, async (trx) => {
    const dead = await trx
      .deleteFrom('workers')
      .where('node_id', '=', worker.nodeId)
      .returning('id')
      .execute();
    await trx.insertInto('workers').values(toRow(worker)).execute();
    if (dead.length === 0) return [];
    const held = await trx
      .selectFrom('sessions')
      .select('job_id')
      .where(
        'worker_id',
        'in',
        dead.map((row) => row.id),
      )
      .execute();
    return held.flatMap((row) => (row.job_id === null ? [] : [row.job_id]));
  });
}

/** @returns whether there are other workers on the database */
export async function recordHeartbeat(db: Kysely<Database>, worker: WorkerIdentity): Promise<boolean> {
  const { has_others } = await db
    .insertInto('workers')
    .values(toRow(worker))
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ heartbeat_at: sql<Date>`now()` }))
    .returning(
      sql<boolean>`exists (select from workers as others where others.id <> ${worker.id})`.as('has_others'),
    )
    .executeTakeFirstOrThrow();
  return has_others;
}

/** Of other nodes that are gone without a word. */
export async function forgetSilentWorkers(db: Kysely<Database>): Promise<void> {
  await db.deleteFrom('workers').where('heartbeat_at', '<', sql<Date>`now() - interval '1 hour'`).execute();
}

function toRow(worker: WorkerIdentity): Insertable<WorkerTable> {
  return {
    id: worker.id,
    node_id: worker.nodeId,
    hostname: worker.hostname,
    pid: worker.pid,
    max_sessions: worker.maxSessions,
  };
}

export async function unregisterWorker(db: Kysely<Database>, id: string): Promise<void> {
  await db.deleteFrom('workers').where('id', '=', id).execute();
}

/** Room for agent processes on all workers that were heard of lately, and how much of it is taken. */
export async function findCapacity(
  db: Kysely<Database>,
): Promise<{ workers: number; slots: number; taken: number }> {
  const { rows } = await sql<{ workers: number; slots: number; taken: number }>`
    with alive as (select id, max_sessions from workers where heartbeat_at > now() - interval '30 seconds')
    select count(*)::int as workers, coalesce(sum(max_sessions), 0)::int as slots,
      (select count(*) from sessions where worker_id in (select id from alive))::int as taken
    from alive
  `.execute(db);
  return rows[0] ?? { workers: 0, slots: 0, taken: 0 };
}

/** How many sessions of each tenant have a worker. */
export async function countHeld(db: Kysely<Database>): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('sessions')
    .select((eb) => ['tenant_id', eb.fn.countAll<number>().as('held')])
    .where('worker_id', 'is not', null)
    .groupBy('tenant_id')
    .execute();
  return new Map(rows.map(({ tenant_id, held }) => [tenant_id, Number(held)]));
}

/** For turns whose job was lost, which nothing in here should cause: asks for an activation again. */
export async function requeueForgotten(db: Kysely<Database>, queue: ActivationQueue): Promise<string[]> {
  const forgotten = await queue.findForgotten();
  for (const session of forgotten) await inTransaction(db, async (trx) => await queue.send(trx, session));
  return forgotten.map(({ id }) => id);
}
