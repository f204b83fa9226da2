import { type Insertable, type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { StoredEvent } from '../event/event.ts';
import { StaleFenceError } from '../event/event-log.ts';
import type { ActivationJob, ActivationQueue } from '../queue/queue.ts';
import { endRunningTurn, startNextTurn } from '../session/lifecycle.ts';
import type { SessionRow } from '../session/store.ts';
import { findQueuedTurn, findRunningTurn, type TurnRow } from '../turn/store.ts';
import type { TurnOutcome } from '../turn/turn.ts';
import { outcomeWithoutResult } from './outcome.ts';
import type { WorkerTable } from './table.ts';

/** What an activation may act on: the session, as long as its fence is the newest. */
export type Hold = { sessionId: string; fence: number };

export type Claim = { session: SessionRow; events: StoredEvent[] };

const INTERRUPTED = outcomeWithoutResult(
  'interrupted',
  'The server stopped while the turn was running; it is not run again by itself.',
);

/** The job was given to another worker before this one got to claim the session; nothing has changed. */
export class LostClaimError extends Error {
  constructor(sessionId: string) {
    super(`the claim on session ${sessionId} lapsed before it was used`);
    this.name = 'LostClaimError';
  }
}

/**
 * Takes a session over: raises its fence, so that whoever had it can write nothing more, and ends the turn that the
 * earlier activation left running. A turn that had begun is never run again silently.
 *
 * @returns null when the session is gone
 */
export async function claimSession(
  db: Kysely<Database>,
  claim: { job: ActivationJob; workerId: string; queue: ActivationQueue },
): Promise<Claim | null> {
  return await db.transaction().execute(async (trx) => {
    const session = await trx
      .updateTable('sessions')
      .set((eb) => ({ fence: eb('fence', '+', 1), worker_id: claim.workerId, job_id: claim.job.attempt.id }))
      .where('id', '=', claim.job.sessionId)
      .returningAll()
      .executeTakeFirst();
    if (session === undefined) return null;
    // A worker that stalled between fetch and claim must not take the session from the next one.
    if (!(await claim.queue.lockClaim(trx, claim.job))) throw new LostClaimError(session.id);
    const cutOff = await findRunningTurn(trx, session.id);
    const events =
      cutOff === undefined
        ? []
        : await endRunningTurn(trx, session, { id: cutOff.id, number: cutOff.number, outcome: INTERRUPTED });
    return { session, events };
  });
}

export type BegunTurn = { turn: TurnRow; session: SessionRow; events: StoredEvent[] };

/** Begins the session's next turn; null when none waits. */
export async function beginTurn(db: Kysely<Database>, hold: Hold): Promise<BegunTurn | null> {
  return await db.transaction().execute(async (trx) => {
    const session = await lockHeld(trx, hold);
    // Begun by an earlier try, whose answer was lost with the connection.
    const begunBefore = await findRunningTurn(trx, session.id);
    if (begunBefore !== undefined) return { turn: begunBefore, session, events: [] };
    const begun = await startNextTurn(trx, session);
    return begun === null ? null : { ...begun, session };
  });
}

export async function finishTurn(
  db: Kysely<Database>,
  hold: Hold,
  turn: { id: string; number: number; outcome: TurnOutcome },
): Promise<StoredEvent[]> {
  return await db
    .transaction()
    .execute(async (trx) => await endRunningTurn(trx, await lockHeld(trx, hold), turn));
}

/**
 * Gives the session up, unless a turn arrived meanwhile: its sender saw that the session has a job, so this job must
 * serve it. With `force` the job goes back to the queue instead.
 */
export async function releaseSession(
  db: Kysely<Database>,
  release: { hold: Hold; job: ActivationJob; queue: ActivationQueue; force: boolean },
): Promise<'released' | 'has_input' | 'requeued'> {
  const { hold, job, queue } = release;
  return await db.transaction().execute(async (trx) => {
    const session = await lockHeld(trx, hold);
    // Released by an earlier try, whose answer was lost with the connection.
    if (session.job_id === null) return 'released';
    const hasInput = (await findQueuedTurn(trx, hold.sessionId)) !== undefined;
    if (hasInput && !release.force) return 'has_input';
    await trx
      .updateTable('sessions')
      .set({ worker_id: null, job_id: null })
      .where('id', '=', hold.sessionId)
      .execute();
    if (hasInput) await queue.giveBack([job.attempt.id], trx);
    else await queue.complete(trx, job);
    return hasInput ? 'requeued' : 'released';
  });
}

async function lockHeld(trx: Transaction<Database>, hold: Hold): Promise<SessionRow> {
  const session = await trx
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', hold.sessionId)
    .where('fence', '=', hold.fence)
    .forUpdate()
    .executeTakeFirst();
  if (session === undefined) throw new StaleFenceError(hold.sessionId);
  return session;
}

export type HeldState = { id: string; fence: number; running_turn_id: string | null; has_input: boolean };

/** How things stand with sessions that this worker holds: what a lost signal would have said. */
export async function findHeldStates(
  db: Kysely<Database>,
  sessionIds: readonly string[],
): Promise<HeldState[]> {
  const { rows } = await sql<HeldState>`
    select id, fence,
      (select turns.id from turns where session_id = sessions.id and state = 'running') as running_turn_id,
      exists (select from turns where session_id = sessions.id and state = 'queued') as has_input
    from sessions where id = any(${sessionIds}::uuid[])
  `.execute(db);
  return rows;
}

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
  return await db.transaction().execute(async (trx) => {
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

export async function recordHeartbeat(db: Kysely<Database>, worker: WorkerIdentity): Promise<void> {
  await db
    .insertInto('workers')
    .values(toRow(worker))
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ heartbeat_at: sql<Date>`now()` }))
    .execute();
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

/** For turns whose job was lost, which nothing in here should cause: asks for an activation again. */
export async function requeueForgotten(db: Kysely<Database>, queue: ActivationQueue): Promise<string[]> {
  const ids = await queue.findForgotten();
  for (const sessionId of ids) {
    await db.transaction().execute(async (trx) => await queue.send(trx, { sessionId, priority: 0 }));
  }
  return ids;
}
