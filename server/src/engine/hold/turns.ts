import { randomUUID } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { type ApprovalRow, listUndelivered } from '../../session/approval/store.ts';
import type { StoredEvent } from '../../session/event/event.ts';
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
} from '../../session/lifecycle.ts';
import { withLiveOptions, withMode } from '../../session/options/fields.ts';
import type { SessionRow } from '../../session/store.ts';
import { countSteps, repairTranscript } from '../../session/transcript/repair.ts';
import {
  findRunningId,
  findRunningTurn,
  findSteeredBy,
  findTurn,
  leaveTurn,
  listSteeredInto,
  listSteering,
  messageIdOf,
  recordWentOn,
  renewMessageId,
  type TurnRow,
} from '../../session/turn/store.ts';
import type { ContentBlock, CutReason, TurnNote, TurnOutcome, WentOn } from '../../session/turn/turn.ts';
import { describeLimit } from '../../session/usage/budget.ts';
import { chargeTurn } from '../../session/usage/charge.ts';
import { findSpentLimit } from '../../session/usage/store.ts';
import { forgetFailures, type Hold, type KeptTurn, lockHeld, waitsForSomebody } from './claim.ts';
import {
  closeDeferredCalls,
  goesOn,
  mayGoOn,
  onlyWaited,
  prepareContinuation,
  returnUnread,
  withdrawOfSubagents,
} from './continuation.ts';
import { forgetCalls, renewTold } from './let-through.ts';
import { crashOutcome, outcomeOf, outcomeWithoutResult } from './outcome.ts';
import { measureRun } from './running-time.ts';

/* What a stay writes of its session's turns, under its fence. Each bears being repeated, where an answer was lost. */

export type BegunTurn = {
  turn: TurnRow;
  session: SessionRow;
  events: StoredEvent[];
  /** How a turn that an earlier process had begun goes on; null begins it. */
  continuation: 'resume_call' | 'rerun' | 'note' | null;
  note: TurnNote | null;
  /** Whether it goes on in another process when its own is cut off. */
  goesOn: boolean;
  /** Model calls with tool use that it has made, and how long it has run, in milliseconds. */
  steps: number;
  ranMs: number;
  /** Messages that are part of it and that its agent has read, by the ids that it knows them by. */
  read: string[];
};

/**
 * Begins the session's next turn, or goes on with the kept one. Null when none waits, or the running one waits for a
 * person; `refused`, with what was recorded of its end, when there is no budget left for it.
 */
export async function beginTurn(
  db: Kysely<Database>,
  hold: Hold,
  kept: KeptTurn | null,
): Promise<BegunTurn | { refused: StoredEvent[] } | null> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const running = await findRunningTurn(trx, session.id);
    if (running !== undefined) {
      if (waitsForSomebody(session)) return null;
      // Otherwise begun by an earlier try, whose answer was lost with the connection.
      if (running.id === kept?.id) return await goOn(trx, session, running, kept);
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
  return {
    turn,
    session,
    events,
    continuation: null,
    note: null,
    steps: 0,
    ranMs: 0,
    read: [],
    goesOn: goesOn(session.options),
  };
}

function withOptionsOf(session: SessionRow, turn: TurnRow): SessionRow {
  return withBegunOptions(session, turn.options ?? session.options);
}

/** A turn has the options that it began with, and what was changed at its work. */
export function withBegunOptions(session: SessionRow, began: SessionRow['options']): SessionRow {
  return { ...session, options: withLiveOptions(began, session.options) };
}

/**
 * The agent program takes some answers in one mode alone: that of a plan in `plan`, which the answer itself leaves; and those of
 * client tools that change something in any other.
 */
function withModeFor(asked: readonly ApprovalRow[], session: SessionRow, turn: TurnRow): SessionRow {
  const has = (kind: ApprovalRow['kind']): boolean => asked.some((row) => row.kind === kind);
  const { options } = session;
  const before = (turn.options ?? options).permission_mode;
  if (has('plan')) return { ...session, options: withMode(options, 'plan') };
  if (options.permission_mode !== 'plan' || !has('client_tool')) return session;
  return { ...session, options: withMode(options, before) };
}

/** A turn whose process has ended. */
async function goOn(
  trx: Transaction<Database>,
  session: SessionRow,
  turn: TurnRow,
  kept: KeptTurn,
): Promise<BegunTurn | { refused: StoredEvent[] }> {
  const { id, number, went_on: before } = turn;
  const { reason, isWhole } = kept;
  // Decided by an earlier try, whose answer was lost with the connection.
  if (before?.try === kept.try) return await wentOn(trx, session, turn, before, []);
  // They have ended with its process.
  const events = session.waiting_for === 'tasks' ? await recordTasks(trx, session, false) : [];
  const end = async (outcome: TurnOutcome) => ({
    refused: [...events, ...(await endRunningTurn(trx, session, { id, number, outcome }))],
  });
  // A call whose answer came while its process was being ended may have run.
  const isCutOff = !mayGoOn(session, turn) && !(await onlyWaited(trx, session, turn));
  if (isCutOff && !isWhole) return await end(outcomeWithoutResult('interrupted', CUT_OFF));
  const way = await prepareContinuation(trx, session, turn, kept);
  if (way.by === 'stuck') return await end(stuckOutcome(kept));
  // A call may have run all the same.
  if (way.by === 'note' && isCutOff) return await end(outcomeWithoutResult('interrupted', CUT_OFF));
  if (way.by === 'over') {
    const { options } = withOptionsOf(session, turn);
    const steps = Math.max(way.result.num_turns, await countSteps(trx, turn));
    return await end(outcomeOf({ ...way.result, num_turns: steps }, { options, spentBudget: null }));
  }
  const note = way.by === 'note' ? way.note : null;
  const decided = { try: kept.try, by: way.by === 'send' ? null : way.by, note };
  await recordWentOn(trx, id, decided);
  if (reason !== null && 'lost' in way) {
    const told = { id, number, note: note?.text ?? null, reason, lost: way.lost };
    events.push(...(await recordContinuation(trx, session.id, told)));
  }
  return await wentOn(trx, session, turn, decided, events);
}

async function wentOn(
  trx: Transaction<Database>,
  session: SessionRow,
  turn: TurnRow,
  { by, note }: WentOn,
  events: StoredEvent[],
): Promise<BegunTurn> {
  const given = note?.withPrompt === true ? { ...turn, message_id: note.id } : turn;
  const asked = await listUndelivered(trx, turn.id);
  return {
    turn: given,
    session: withModeFor(
      asked.filter(({ agent_id }) => agent_id === null),
      withOptionsOf(session, turn),
      turn,
    ),
    events,
    note,
    continuation: by,
    steps: await countSteps(trx, turn),
    ranMs: await measureRun(trx, turn),
    read: (await listSteeredInto(trx, turn)).map(messageIdOf),
    goesOn: mayGoOn(session, turn),
  };
}

const CUT_OFF = 'The agent process was ended while a tool may have run; it is not run again by itself.';
const STUCK = 'The turn was cut off several times at the same place; it is not tried again.';

/** Of a turn that was cut off again and again. */
function stuckOutcome({ error }: KeptTurn): TurnOutcome {
  return error === undefined ? outcomeWithoutResult('interrupted', STUCK) : crashOutcome(error, false);
}

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

/** The same for a note. */
export async function renewNote(
  db: Kysely<Database>,
  hold: Hold,
  { turnId, note }: { turnId: string; note: TurnNote },
): Promise<string> {
  return await inTransaction(db, async (trx) => {
    await lockHeld(trx, hold);
    const renewed = note.withPrompt ? await renewMessageId(trx, turnId) : randomUUID();
    await renewTold(trx, note.id, renewed);
    return renewed;
  });
}

/** The turn's process was ended: what it had not read of the turn's messages waits again. */
export async function parkTurn(
  db: Kysely<Database>,
  hold: Hold,
  { turn, ...left }: { turn: TurnRow; reason: CutReason | null; isWhole: boolean },
): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    await leaveTurn(trx, turn.id, left);
    // Whatever comes next resumes the conversation: this turn, or one after it.
    await repairTranscript(trx, session, turn);
    return [...(await withdrawOfSubagents(trx, session)), ...(await returnUnread(trx, session, turn))];
  });
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

/** Shows the permission mode that the session's agent is in. */
export async function recordMode(db: Kysely<Database>, hold: Hold, mode: string): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ effective_permission_mode: mode })
    .where('id', '=', hold.sessionId)
    .where('fence', '=', hold.fence)
    .execute();
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
    await forgetCalls(trx, session.id);
    const returned = isCut ? await returnUnread(trx, session, turn) : [];
    const { id, number } = turn;
    return [...returned, ...(await endRunningTurn(trx, session, { id, number, outcome }))];
  });
}

/** What an agent is told that goes on with a turn. */
export function withNote({ prompt, content }: TurnRow, note: NonNullable<BegunTurn['note']>): ContentBlock[] {
  const asked: ContentBlock[] = content ?? [{ type: 'text', text: prompt }];
  return [...(note.withPrompt ? asked : []), { type: 'text', text: note.text }];
}
