import { type Insertable, type Kysely, sql, type Transaction } from 'kysely';
import { describeLimit } from '../budget/budget.ts';
import type { Database } from '../db/database.ts';
import { inTransaction } from '../db/transaction.ts';
import type { StoredEvent } from '../event/event.ts';
import { StaleFenceError } from '../event/event-log.ts';
import type { ActivationJob, ActivationQueue } from '../queue/queue.ts';
import { chargeTurn } from '../session/charge.ts';
import {
  endRunningTurn,
  queueTurn,
  settleLeft,
  startNextTurn,
  startQueuedTurn,
  steerTurn,
} from '../session/lifecycle.ts';
import type { SessionRow } from '../session/store.ts';
import {
  findRunningId,
  findRunningTurn,
  findTurn,
  forgetSent,
  hasQueuedTurn,
  listUnsentSteering,
  markSent,
  type TurnRow,
} from '../turn/store.ts';
import type { TurnOutcome } from '../turn/turn.ts';
import { findSpentLimit } from '../usage/store.ts';
import {
  type Continuation,
  closeDeferredCalls,
  findBegun,
  foldHeard,
  onlyWaited,
  prepareContinuation,
} from './continuation.ts';
import { outcomeWithoutResult } from './outcome.ts';
import type { WorkerTable } from './table.ts';

/** What an activation may act on: the session, as long as its fence is the newest. */
export type Hold = { sessionId: string; fence: number };

export type Claim = {
  session: SessionRow;
  events: StoredEvent[];
  /** The turn that an earlier activation left running, if it may go on. */
  keptTurnId: string | null;
  grantsHash: string;
};

const hashOfGrants = sql<string>`md5(sessions.grants::text)`;

/** Why a turn was left in the middle by the worker that had it. */
const reasons = {
  stopped: 'The server stopped while the turn was running',
  silent:
    'The server that ran the turn was not heard of in time (it may have stopped, or have lost the database), and another one took the session over',
  gaveUp:
    'The server gave the turn up: it could not renew its claim on the session in time, or ran into an error that its log tells',
};

/** The job was given to another worker before this one got to claim the session; nothing has changed. */
export class LostClaimError extends Error {
  constructor(sessionId: string) {
    super(`the claim on session ${sessionId} lapsed before it was used`);
    this.name = 'LostClaimError';
  }
}

/**
 * Takes a session over: raises its fence, so that whoever had it can write nothing more, and ends the turn that the
 * earlier activation left running. A turn that had begun is never run again silently; but one that only waited for a
 * person goes on, and so does one whose session asked for that.
 *
 * @returns null when the session is gone
 */
export async function claimSession(
  db: Kysely<Database>,
  claim: {
    job: ActivationJob;
    workerId: string;
    queue: ActivationQueue;
    isolation: string;
    /** Called when the session is there and cannot be deleted any more until it is claimed. */
    onFound: () => Promise<void>;
  },
): Promise<Claim | null> {
  return await inTransaction(db, async (trx) => {
    const claimed = await trx
      .with('before', (cte) =>
        cte
          .selectFrom('sessions')
          .select(['id', 'worker_id as last_worker_id'])
          .where('id', '=', claim.job.sessionId)
          .forNoKeyUpdate(),
      )
      .updateTable('sessions')
      .from('before')
      .set((eb) => ({
        fence: eb('sessions.fence', '+', 1),
        worker_id: claim.workerId,
        job_id: claim.job.attempt.id,
        isolation: claim.isolation,
      }))
      .whereRef('sessions.id', '=', 'before.id')
      .returningAll('sessions')
      .returning(['before.last_worker_id', hashOfGrants.as('grantsHash')])
      .executeTakeFirst();
    if (claimed === undefined) return null;
    const { grantsHash, last_worker_id: lastWorkerId, ...session } = claimed;
    await claim.onFound();
    // A worker that stalled between fetch and claim must not take the session from the next one.
    if (!(await claim.queue.lockClaim(trx, claim.job))) throw new LostClaimError(session.id);
    // Nobody can have left anything before the first claim.
    const left = session.fence === 1 ? null : await findCutOff(trx, session);
    if (session.fence > 1) await forgetSent(trx, session.id);
    if (left === null) return { session, grantsHash, events: [], keptTurnId: null };
    const { turn: cutOff, events } = left;
    events.push(...(await foldHeard(trx, session, cutOff)));
    if (session.options.on_interruption === 'resume' || (await onlyWaited(trx, session, cutOff))) {
      return { session, grantsHash, events, keptTurnId: cutOff.id };
    }
    const reason = reasons[await whyLeft(trx, lastWorkerId, claim.workerId)];
    const outcome = outcomeWithoutResult('interrupted', `${reason}; it is not run again by itself.`);
    const ended = { id: cutOff.id, number: cutOff.number, outcome };
    events.push(...(await endRunningTurn(trx, session, ended)));
    return { session, grantsHash, events, keptTurnId: null };
  });
}

async function whyLeft(
  trx: Transaction<Database>,
  lastWorkerId: string | null,
  workerId: string,
): Promise<keyof typeof reasons> {
  if (lastWorkerId === workerId) return 'gaveUp';
  if (lastWorkerId === null) return 'stopped';
  const last = await trx.selectFrom('workers').select('id').where('id', '=', lastWorkerId).executeTakeFirst();
  // A start removes those of its data directory: it holds that alone, so they are gone.
  return last === undefined ? 'stopped' : 'silent';
}

/** What an earlier activation was at when it ended. */
async function findCutOff(
  trx: Transaction<Database>,
  session: SessionRow,
): Promise<{ turn: TurnRow; events: StoredEvent[] } | null> {
  const running = await findRunningTurn(trx, session.id);
  if (running !== undefined) return { turn: running, events: [] };
  const begun = await findBegun(trx, session);
  if (begun === undefined) return null;
  await settleLeft(trx, session.id);
  return { turn: begun, events: await startQueuedTurn(trx, session, begun) };
}

export type BegunTurn = {
  turn: TurnRow;
  session: SessionRow;
  events: StoredEvent[];
  /** How a turn that an earlier process had begun goes on; null begins it. */
  continuation: Exclude<Continuation, 'send'> | null;
};

/**
 * Begins the session's next turn, or goes on with the kept one. Null when none waits, or the running one waits for a
 * person; 'refused' when there is no budget left for it.
 */
export async function beginTurn(
  db: Kysely<Database>,
  hold: Hold,
  keptTurnId: string | null,
): Promise<BegunTurn | { refused: StoredEvent[] } | null> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const running = await findRunningTurn(trx, session.id);
    if (running !== undefined) {
      if (session.waiting_for !== null) return null;
      // Otherwise begun by an earlier try, whose answer was lost with the connection.
      const isKept = running.id === keptTurnId;
      const how = isKept ? await prepareContinuation(trx, session, running) : 'send';
      const options = running.options ?? session.options;
      return {
        turn: running,
        session: { ...session, options },
        events: [],
        continuation: how === 'send' ? null : how,
      };
    }
    await settleLeft(trx, session.id);
    const begun = await startNextTurn(trx, session);
    if (begun === null) return null;
    const { id, number, api_key_id } = begun.turn;
    const limit = await findSpentLimit(trx, session.id, api_key_id);
    if (limit === undefined) return { ...begun, session, continuation: null };
    const outcome = outcomeWithoutResult('budget_exceeded', describeLimit(limit));
    const ended = await endRunningTurn(trx, session, { id, number, outcome });
    return { refused: [...begun.events, ...ended] };
  });
}

/** Before an agent resumes the conversation for something else than the call that waits in it. */
export async function closeDeferred(db: Kysely<Database>, hold: Hold): Promise<void> {
  await inTransaction(db, async (trx) => await closeDeferredCalls(trx, await lockHeld(trx, hold)));
}

/** Messages that steer the running turn and that the agent does not have yet; they can no longer be changed. */
export async function takeSteering(
  db: Kysely<Database>,
  hold: Hold,
): Promise<Pick<TurnRow, 'id' | 'prompt' | 'content'>[]> {
  return await inTransaction(db, async (trx) => {
    await lockHeld(trx, hold);
    const steering = await listUnsentSteering(trx, hold.sessionId);
    if (steering.length > 0)
      await markSent(
        trx,
        steering.map((turn) => turn.id),
      );
    return steering;
  });
}

/** The agent gave a message back unread: it will be sent again. Others that it has are not, or they would run twice. */
export async function returnSteering(db: Kysely<Database>, hold: Hold, turnId: string): Promise<void> {
  await inTransaction(db, async (trx) => {
    await lockHeld(trx, hold);
    await forgetSent(trx, hold.sessionId, turnId);
  });
}

/** The turn's process was ended: messages that it had taken are part of the turn, the others will be sent again. */
export async function parkTurn(db: Kysely<Database>, hold: Hold, turn: TurnRow): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const events = await foldHeard(trx, session, turn);
    await forgetSent(trx, session.id);
    return events;
  });
}

/** The agent took a message into its running turn. */
export async function foldSteering(
  db: Kysely<Database>,
  hold: Hold,
  fold: { turnId: string; intoId: string },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const turn = await findTurn(trx, { sessionId: session.id, id: fold.turnId });
    const into = await findTurn(trx, { sessionId: session.id, id: fold.intoId });
    return turn === undefined || into === undefined ? [] : await steerTurn(trx, session, { turn, into });
  });
}

/** A turn that the agent began by itself, when a background task of it had ended. */
export async function queueTaskTurn(
  db: Kysely<Database>,
  hold: Hold,
  turn: { id: string; prompt: string },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const draft = { ...turn, content: null, delivery: 'task' as const, apiKeyId: session.api_key_id };
    return await queueTurn(trx, session, draft);
  });
}

/** Shows what a turn has cost until now. */
export async function recordSpending(db: Kysely<Database>, hold: Hold, turnId: string): Promise<void> {
  await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    await chargeTurn(trx, { sessionId: session.id, turnId });
  });
}

/** The session as it is now, as long as it is held. */
export async function readHeld(db: Kysely<Database>, hold: Hold): Promise<SessionRow> {
  return await inTransaction(db, async (trx) => await lockHeld(trx, hold));
}

export async function finishTurn(
  db: Kysely<Database>,
  hold: Hold,
  turn: { id: string; number: number; outcome: TurnOutcome },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => await endRunningTurn(trx, await lockHeld(trx, hold), turn));
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
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    // Released by an earlier try, whose answer was lost with the connection.
    if (session.job_id === null) return 'released';
    const hasInput = await canGoOn(trx, session);
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

/** Whether there is anything to do: a turn that waits, or one that was parked and has its answers. */
async function canGoOn(trx: Transaction<Database>, session: SessionRow): Promise<boolean> {
  const running = await findRunningId(trx, session.id);
  if (running !== undefined) return session.waiting_for === null;
  return await hasQueuedTurn(trx, session.id);
}

export async function lockHeld(trx: Transaction<Database>, hold: Hold): Promise<SessionRow> {
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

export type HeldState = {
  id: string;
  fence: number;
  running_turn_id: string | null;
  has_input: boolean;
  has_answer: boolean;
  /** Of what is granted: another one once that has changed. */
  grants_hash: string;
};

/** How things stand with sessions that this worker holds: what a lost signal would have said. */
export async function findHeldStates(
  db: Kysely<Database>,
  sessionIds: readonly string[],
): Promise<HeldState[]> {
  const { rows } = await sql<HeldState>`
    select id, fence,
      (select turns.id from turns where session_id = sessions.id and state = 'running') as running_turn_id,
      exists (select from turns where session_id = sessions.id and state = 'queued') as has_input,
      exists (
        select from approvals where session_id = sessions.id and status not in ('pending', 'withdrawn')
          and delivered_at is null
      ) as has_answer,
      ${hashOfGrants} as grants_hash
    from sessions where id = any(${sessionIds}::uuid[])
  `.execute(db);
  return rows;
}

/** The newest fences of those of the sessions that still exist. */
export async function findFences(
  db: Kysely<Database>,
  sessionIds: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; fence: number }>`
    select id, fence from sessions where id = any(${sessionIds}::uuid[])
  `.execute(db);
  return new Map(rows.map(({ id, fence }) => [id, fence]));
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

/** For turns whose job was lost, which nothing in here should cause: asks for an activation again. */
export async function requeueForgotten(db: Kysely<Database>, queue: ActivationQueue): Promise<string[]> {
  const forgotten = await queue.findForgotten();
  for (const session of forgotten) await inTransaction(db, async (trx) => await queue.send(trx, session));
  return forgotten.map(({ id }) => id);
}
