import type { Kysely, Transaction } from 'kysely';
import { describeLimit } from '../budget/budget.ts';
import type { Database } from '../db/database.ts';
import { inTransaction } from '../db/transaction.ts';
import type { StoredEvent } from '../event/event.ts';
import { chargeTurn } from '../session/charge.ts';
import {
  endRunningTurn,
  queueTurn,
  readTurn,
  recordContinuation,
  recordTasks,
  returnTurn,
  settleLeft,
  startNextTurn,
  startQueuedTurn,
  steerTurn,
} from '../session/lifecycle.ts';
import type { SessionRow } from '../session/store.ts';
import {
  findRunningId,
  findRunningTurn,
  findSteeredBy,
  findTurn,
  listSteeredInto,
  listSteering,
  messageIdOf,
  renewMessageId,
  type TurnRow,
} from '../turn/store.ts';
import type { TurnOutcome } from '../turn/turn.ts';
import { findSpentLimit } from '../usage/store.ts';
import { forgetFailures, type Hold, lockHeld } from './claim.ts';
import { closeDeferredCalls, onlyWaited, prepareContinuation, returnUnread } from './continuation.ts';
import { forgetCalls, goesOn } from './let-through.ts';
import { outcomeOf, outcomeWithoutResult } from './outcome.ts';
import { countSteps } from './transcript-repair.ts';

/* What a stay writes of its session's turns, under its fence. Each bears being repeated, where an answer was lost. */

export type BegunTurn = {
  turn: TurnRow;
  session: SessionRow;
  events: StoredEvent[];
  /** How a turn that an earlier process had begun goes on; null begins it. */
  continuation: 'resume_call' | 'rerun' | 'note' | null;
  /** What its agent is told instead of the prompt. */
  note: string | null;
  /** Model calls with tool use that it has made. */
  steps: number;
  /** Messages that are part of it and that its agent has read, by the ids that it knows them by. */
  read: string[];
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
      if (running.id === keptTurnId) return await goOn(trx, session, running);
      return begunNow(running, withOptionsOf(session, running), []);
    }
    await settleLeft(trx, session.id);
    const begun = await startNextTurn(trx, session);
    if (begun === null) return null;
    const { id, number } = begun.turn;
    const refusal = await findRefusal(trx, session, begun.turn);
    if (refusal === null) return begunNow(begun.turn, session, begun.events);
    const ended = await endRunningTurn(trx, session, { id, number, outcome: refusal });
    return { refused: [...begun.events, ...ended] };
  });
}

function begunNow(turn: TurnRow, session: SessionRow, events: StoredEvent[]): BegunTurn {
  return { turn, session, events, continuation: null, note: null, steps: 0, read: [] };
}

/** A turn has the options that it began with. */
function withOptionsOf(session: SessionRow, turn: TurnRow): SessionRow {
  return { ...session, options: turn.options ?? session.options };
}

/** A turn whose process has ended. */
async function goOn(
  trx: Transaction<Database>,
  session: SessionRow,
  turn: TurnRow,
): Promise<BegunTurn | { refused: StoredEvent[] }> {
  const { id, number } = turn;
  const end = async (outcome: TurnOutcome) => ({
    refused: await endRunningTurn(trx, session, { id, number, outcome }),
  });
  // A call whose answer came while its process was being ended may have run.
  if (!goesOn(session.options) && !(await onlyWaited(trx, session, turn)))
    return await end(outcomeWithoutResult('interrupted', CUT_OFF));
  const way = await prepareContinuation(trx, session, turn);
  const own = withOptionsOf(session, turn);
  if (way.by === 'stuck') return await end(outcomeWithoutResult('interrupted', STUCK));
  if (way.by === 'over') return await end(outcomeOf(way.result, { options: own.options, spentBudget: null }));
  const read = (await listSteeredInto(trx, turn)).map(messageIdOf);
  if (way.by === 'send') return { ...begunNow(turn, own, []), read };
  const note = way.by === 'note' ? way.note : null;
  const isTold = goesOn(session.options) && way.by !== 'resume_call';
  const events = isTold ? await recordContinuation(trx, session.id, { id, number, note }) : [];
  const given = note === null ? turn : { ...turn, message_id: await renewMessageId(trx, id) };
  const steps = await countSteps(trx, turn);
  return { turn: given, session: own, events, continuation: way.by, note, steps, read };
}

const CUT_OFF = 'The agent process was ended while a tool may have run; it is not run again by itself.';
const STUCK = 'The turn was cut off several times at the same place; it is not tried again.';

/** Why a turn that waited cannot be run; null where it can. */
async function findRefusal(
  trx: Transaction<Database>,
  session: SessionRow,
  { delivery, api_key_id }: TurnRow,
): Promise<TurnOutcome | null> {
  // Of an older server: its agent had begun it, and is gone.
  if (delivery === 'task')
    return outcomeWithoutResult('interrupted', 'The background task ended together with its agent process.');
  const limit = await findSpentLimit(trx, session.id, api_key_id);
  return limit === undefined ? null : outcomeWithoutResult('budget_exceeded', describeLimit(limit));
}

/** Before an agent resumes the conversation for something else than the call that waits in it. */
export async function closeDeferred(db: Kysely<Database>, hold: Hold): Promise<void> {
  await inTransaction(db, async (trx) => await closeDeferredCalls(trx, await lockHeld(trx, hold)));
}

/** A turn that the agent begins by itself: a task of it has ended while it was at rest. */
export async function wakeTurn(
  db: Kysely<Database>,
  hold: Hold,
  { id, prompt }: { id: string; prompt: string },
): Promise<BegunTurn> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const known = await findTurn(trx, { sessionId: session.id, id });
    if (known !== undefined) return begunNow(known, session, []);
    await settleLeft(trx, session.id);
    const draft = { id, prompt, content: null, delivery: 'task' as const, apiKeyId: session.api_key_id };
    const queued = await queueTurn(trx, session, draft);
    const turn = await findTurn(trx, { sessionId: session.id, id });
    if (turn === undefined) throw new Error(`turn ${id} is gone from its own transaction`);
    const events = [...queued, ...(await startQueuedTurn(trx, session, turn))];
    return begunNow(turn, session, events);
  });
}

/**
 * Messages that wait to steer become part of the running turn.
 *
 * @returns those that its agent is to get: they are part of it, and not among `given`
 */
export async function handOver(
  db: Kysely<Database>,
  hold: Hold,
  { turnId, given }: { turnId: string; given: ReadonlySet<string> },
): Promise<{ messages: TurnRow[]; events: StoredEvent[] }> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const into = await findRunningId(trx, session.id);
    // It was cancelled meanwhile: the agent will learn that in a moment.
    if (into?.id !== turnId) return { messages: [], events: [] };
    const events: StoredEvent[] = [];
    for (const turn of await listSteering(trx, session.id)) {
      events.push(...(await steerTurn(trx, session, { turn, into })));
    }
    const messages = await listSteeredInto(trx, { id: turnId, session_id: session.id });
    return { messages: messages.filter((message) => !given.has(messageIdOf(message))), events };
  });
}

/** The agent gave a message back that it never read: it waits again. */
export async function putBack(db: Kysely<Database>, hold: Hold, messageId: string): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const turn = await findSteeredBy(trx, session.id, messageId);
    return turn === undefined ? [] : await returnTurn(trx, session, turn);
  });
}

/** The agent begins a message that became part of its turn. Nothing that it says after that is in the log before. */
export async function noteRead(db: Kysely<Database>, hold: Hold, messageId: string): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const turn = await findSteeredBy(trx, session.id, messageId);
    return turn === undefined ? [] : await readTurn(trx, session, turn);
  });
}

/** The agent gave the turn's prompt back: it takes it under another id only. @returns that */
export async function renewMessage(db: Kysely<Database>, hold: Hold, turnId: string): Promise<string> {
  return await inTransaction(db, async (trx) => {
    await lockHeld(trx, hold);
    return await renewMessageId(trx, turnId);
  });
}

/** The turn's process was ended: what it had not read of the turn's messages waits again. */
export async function parkTurn(db: Kysely<Database>, hold: Hold, turn: TurnRow): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => await returnUnread(trx, await lockHeld(trx, hold), turn));
}

/** Whether the turn waits for nothing but tasks of its agent. */
export async function showTasks(
  db: Kysely<Database>,
  hold: Hold,
  { turnId, awaits }: { turnId: string; awaits: boolean },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    // One that was cancelled meanwhile waits for nothing.
    const running = await findRunningId(trx, session.id);
    return running?.id === turnId ? await recordTasks(trx, session, awaits) : [];
  });
}

/** Shows what a turn has cost until now. */
export async function recordSpending(db: Kysely<Database>, hold: Hold, turnId: string): Promise<void> {
  await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    await chargeTurn(trx, { sessionId: session.id, turnId });
  });
}

/** `isCut`: its process ended first. What that had not read of the turn's messages waits again. */
export async function finishTurn(
  db: Kysely<Database>,
  hold: Hold,
  { turn, outcome, isCut }: { turn: TurnRow; outcome: TurnOutcome; isCut: boolean },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    await forgetFailures(trx, session);
    if (goesOn(session.options)) await forgetCalls(trx, session.id);
    const returned = isCut ? await returnUnread(trx, session, turn) : [];
    const { id, number } = turn;
    return [...returned, ...(await endRunningTurn(trx, session, { id, number, outcome }))];
  });
}
