import { randomUUID } from 'node:crypto';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import type { ActivationJob, ActivationQueue } from '../../ground/queue/queue.ts';
import type { StoredEvent } from '../../session/event/event.ts';
import { StaleFenceError } from '../../session/event/event-log.ts';
import { endRunningTurn, settleLeft, startNextTurn } from '../../session/lifecycle.ts';
import type { SessionRow } from '../../session/store.ts';
import { findRunningId, findRunningTurn, hasQueuedTurn, leaveTurn } from '../../session/turn/store.ts';
import type { CutReason } from '../../session/turn/turn.ts';
import { mayGoOn, onlyWaited, returnUnread, withdrawOfSubagents } from './continuation.ts';
import { outcomeWithoutResult } from './outcome.ts';

/** What a stay may act on: the session, as long as its fence is the newest. */
export type Hold = { sessionId: string; fence: number };

export type Claim = {
  session: SessionRow;
  events: StoredEvent[];
  kept: KeptTurn | null;
  grantsHash: string;
};

/** A turn whose process has ended, and that goes on in another one. */
export type KeptTurn = {
  id: string;
  /** Names the decision how it goes on: made again, since its answer was lost, it is the same. */
  try: string;
  /** Null: it waited for an answer. */
  reason: CutReason | null;
  /** Its process ended at a request to the model: nothing was under way. */
  isWhole: boolean;
  /** What its program died of, where it did. */
  error?: unknown;
};

const hashOfGrants = sql<string>`md5(sessions.grants::text)`;

/** Of those for which a turn may end. */
const described: Partial<Record<CutReason, string>> = {
  server_stopped: 'The server stopped while the turn was running',
  server_silent:
    'The server that ran the turn was not heard of in time (it may have stopped, or have lost the database), and another one took the session over',
  server_failed:
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
 * Takes a session over: raises its fence, so that whoever had it can write nothing more. The turn that an earlier stay
 * left running goes on, unless its session says that it is to end: even then one that only waited for a person goes on, and
 * so does one that was left with nothing under way.
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
      .returning(['before.last_worker_id', hashOfGrants.as('grants_hash')])
      .executeTakeFirst();
    if (claimed === undefined) return null;
    const { grants_hash: grantsHash, last_worker_id: lastWorkerId, ...session } = claimed;
    await claim.onFound();
    // A worker that stalled between fetch and claim must not take the session from the next one.
    if (!(await claim.queue.lockClaim(trx, claim.job))) throw new LostClaimError(session.id);
    // Nobody can have left anything before the first claim.
    const cutOff = session.fence === 1 ? undefined : await findRunningTurn(trx, session.id);
    if (cutOff === undefined) return { session, grantsHash, events: [], kept: null };
    const events = await returnUnread(trx, session, cutOff);
    const { id, left_whole: isWhole } = cutOff;
    const reason = cutOff.left_for ?? (await whyLeft(trx, lastWorkerId, claim.workerId));
    // For whoever goes on with it in the end: it may yet wait for a person.
    await leaveTurn(trx, id, { reason, isWhole });
    if (isWhole || mayGoOn(session, cutOff) || (await onlyWaited(trx, session, cutOff))) {
      events.push(...(await withdrawOfSubagents(trx, session)));
      return { session, grantsHash, events, kept: { id, try: randomUUID(), reason, isWhole } };
    }
    const text = described[reason ?? 'server_failed'] ?? described.server_stopped;
    const outcome = outcomeWithoutResult('interrupted', `${text}; it is not run again by itself.`);
    const ended = { id: cutOff.id, number: cutOff.number, outcome };
    events.push(...(await endRunningTurn(trx, session, ended)));
    return { session, grantsHash, events, kept: null };
  });
}

/** Null: it was released, since it waited for an answer. */
async function whyLeft(
  trx: Transaction<Database>,
  lastWorkerId: string | null,
  workerId: string,
): Promise<CutReason | null> {
  if (lastWorkerId === workerId) return 'server_failed';
  if (lastWorkerId === null) return null;
  const last = await trx.selectFrom('workers').select('id').where('id', '=', lastWorkerId).executeTakeFirst();
  // A start removes those of its data directory: it holds that alone, so they are gone.
  return last === undefined ? 'server_stopped' : 'server_silent';
}

const MAX_FAILED_STAYS = 5;

/** A stay failed as nobody expected. After some in a row the turn that they were for ends: else it would be so for ever. */
export async function recordFailure(
  db: Kysely<Database>,
  { job, queue }: { job: ActivationJob; queue: ActivationQueue },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const { rows } = await sql<SessionRow>`
      update sessions set failed_stays = failed_stays + 1 where id = ${job.sessionId} returning *`.execute(
      trx,
    );
    const [session] = rows;
    if (session === undefined || session.failed_stays < MAX_FAILED_STAYS) return [];
    await forgetFailures(trx, session);
    const running = await findRunningTurn(trx, session.id);
    const begun = running === undefined ? await startNextTurn(trx, session) : { turn: running, events: [] };
    if (begun === null) return [];
    const { id, number } = begun.turn;
    const message = `The server failed ${MAX_FAILED_STAYS} times to run the turn; its log tells why.`;
    const outcome = outcomeWithoutResult('internal', message);
    const ended = await endRunningTurn(trx, session, { id, number, outcome });
    if (!(await hasQueuedTurn(trx, session.id))) {
      await leaveSession(trx, session.id);
      await queue.complete(trx, job);
    }
    return [...begun.events, ...ended];
  });
}

/** No worker has it any more. */
async function leaveSession(trx: Transaction<Database>, sessionId: string): Promise<void> {
  await trx
    .updateTable('sessions')
    .set({ worker_id: null, job_id: null })
    .where('id', '=', sessionId)
    .execute();
}

export async function forgetFailures(
  trx: Transaction<Database>,
  { id, failed_stays }: Pick<SessionRow, 'id' | 'failed_stays'>,
): Promise<void> {
  if (failed_stays > 0)
    await trx.updateTable('sessions').set({ failed_stays: 0 }).where('id', '=', id).execute();
}

/** The session as it is now, as long as it is held. */
export async function readHeld(db: Kysely<Database>, hold: Hold): Promise<SessionRow> {
  return await inTransaction(db, async (trx) => await lockHeld(trx, hold));
}

/**
 * Gives the session up, unless there is something to do: whoever sent it saw that the session has a job, so this job must
 * serve it. `busy` says what happens then: the session is kept (`input`), or goes back to the queue, to where it was in it, or
 * to the end of it.
 */
export async function releaseSession(
  db: Kysely<Database>,
  release: {
    hold: Hold;
    job: ActivationJob;
    queue: ActivationQueue;
    busy: 'keep' | 'give back' | 'line up';
  },
): Promise<'nobody' | 'input' | 'queue'> {
  const { hold, job, queue, busy } = release;
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    // Released by an earlier try, whose answer was lost with the connection.
    if (session.job_id === null) return 'nobody';
    const hasInput = await canGoOn(trx, session);
    if (!hasInput) await settleLeft(trx, session.id);
    if (hasInput && busy === 'keep') return 'input';
    await leaveSession(trx, hold.sessionId);
    if (hasInput && busy === 'give back') await queue.giveBack([job.attempt.id], trx);
    else await queue.complete(trx, job);
    if (hasInput && busy === 'line up')
      await queue.send(trx, { id: session.id, tenantId: session.tenant_id });
    return hasInput ? 'queue' : 'nobody';
  });
}

/** Whether there is anything to do: a turn that waits, or one that was parked and waits for nobody. */
async function canGoOn(trx: Transaction<Database>, session: SessionRow): Promise<boolean> {
  const running = await findRunningId(trx, session.id);
  if (running !== undefined) return !waitsForSomebody(session);
  return await hasQueuedTurn(trx, session.id);
}

/** Not for tasks of its agent: they end with that. */
export function waitsForSomebody({ waiting_for }: Pick<SessionRow, 'waiting_for'>): boolean {
  return waiting_for !== null && waiting_for !== 'tasks';
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
