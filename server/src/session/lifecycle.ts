/**
 * How a session and its turns change state. Every function runs in a transaction that holds the session's row lock,
 * changes turn, session and event log together, and returns the events for the caller to publish after the commit.
 *
 *   session   pending ◀──▶ running ──▶ completed | error       (and from these, by a new turn, back to pending)
 *                └───────────┴───────▶ cancelled
 *   turn      queued  ───▶ running ──▶ completed | error
 *                └───────────┴───────▶ cancelled
 *
 * A session goes from running back to pending where its turn has ended and the next one waits. A message that became part of a
 * running turn is `completed` before the agent gets it, and says which one (`steered_into`); one that the agent never read is
 * queued again. A running turn whose approvals are pending may be parked:
 * nothing runs, and the answer brings an activation back.
 */
import { sql, type Transaction } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { findWaitingFor, withdrawApprovals } from './approval/lifecycle.ts';
import type { EventDraft, StoredEvent } from './event/event.ts';
import { insertEvents } from './event/store.ts';
import { isActive, type SessionStatus, type WaitingFor } from './session.ts';
import { firstPrompt, type SessionRow, type SessionState } from './store.ts';
import {
  type ActiveTurn,
  discardUnread,
  endTurn,
  findQueuedTurn,
  findRunningId,
  foldTurn,
  hasQueuedTurn,
  insertTurn,
  listQueuedTurns,
  listUnaccounted,
  markRead,
  type Prompt,
  settleTurn,
  startTurn,
  type TurnEnd,
  type TurnRow,
  unfoldTurn,
} from './turn/store.ts';
import type {
  CutReason,
  Delivery,
  TokenUsage,
  TurnError,
  TurnOutcome,
  TurnPhase,
  TurnState,
} from './turn/turn.ts';
import { type Charge, chargeTurn } from './usage/charge.ts';

type Trx = Transaction<Database>;

export const CANCELLED_MESSAGE = 'Session was cancelled';

export type TurnDraft = Prompt & { id: string; delivery: Delivery; apiKeyId: string | null };

/**
 * Adds a turn to the session's queue. A session that is not running waits for a worker from now on; one that was archived
 * no longer is.
 */
export async function queueTurn(
  trx: Trx,
  session: Pick<SessionRow, 'id' | 'tenant_id' | 'turn_count' | 'status'>,
  turn: TurnDraft,
): Promise<StoredEvent[]> {
  const number = session.turn_count + 1;
  await insertTurn(trx, { ...turn, sessionId: session.id, tenantId: session.tenant_id, number });
  const at = new Date();
  const prompt = { turn: number, ...said(turn), delivery: turn.delivery };
  const events: EventDraft[] = [
    { kind: 'prompt', data: prompt, turnId: turn.id, at },
    turnEvent({ id: turn.id, number }, { phase: 'queued', state: 'queued' }, at),
  ];
  const shown = { turn_count: number, is_archived: false, ...(number === 1 ? firstPrompt(turn) : {}) };
  if (session.status === 'running') return await insertEvents(trx, session.id, events, shown);
  events.push(sessionEvent('pending', at));
  const changes = {
    ...shown,
    status: 'pending' as const,
    error: null,
    started_at: null,
    ended_at: null,
  };
  return await insertEvents(trx, session.id, events, changes);
}

/** Starts the most urgent of the queued turns, if there is one. */
export async function startNextTurn(
  trx: Trx,
  session: SessionState,
): Promise<{ turn: TurnRow; events: StoredEvent[] } | null> {
  const turn = await findQueuedTurn(trx, session.id);
  if (turn === undefined) return null;
  return { turn, events: await startQueuedTurn(trx, session, turn) };
}

export async function startQueuedTurn(
  trx: Trx,
  session: SessionState,
  turn: TurnRow,
): Promise<StoredEvent[]> {
  await startTurn(trx, turn.id);
  const at = new Date();
  const drafts = [turnEvent(turn, { phase: 'started', state: 'running' }, at), sessionEvent('running', at)];
  const changes = {
    status: 'running' as const,
    waiting_for: null,
    started_at: sql<Date>`now()`,
    ended_at: null,
    activity: null,
  };
  return await insertEvents(trx, session.id, drafts, changes);
}

/** Ends a running turn. What it cost counts also when it was cancelled meanwhile; its state then stays. */
export async function endRunningTurn(
  trx: Trx,
  session: SessionState,
  turn: { id: string; number: number; outcome: TurnOutcome },
): Promise<StoredEvent[]> {
  const { outcome } = turn;
  const { result } = outcome;
  const isNew = await settleTurn(trx, turn.id);
  const charge = isNew ? await chargeTurn(trx, { sessionId: session.id, turnId: turn.id }) : null;
  if (result !== null) await setConversation(trx, session.id, result.session_id);
  const error = outcome.state === 'error' ? outcome.error : null;
  const end: TurnEnd = { id: turn.id, state: outcome.state, result: outcome.result, error };
  const ended = await endTurn(trx, end);
  if (ended === null) return [];
  return await afterTurn(trx, session, [{ ...end, ...ended, number: turn.number, charge }]);
}

/**
 * Turns that were cancelled while no agent worked for them (parked, or their server was killed): nobody else says what
 * they cost, and what the next turn asks would be put down to them. To be called before that begins.
 */
export async function settleLeft(trx: Trx, sessionId: string): Promise<void> {
  for (const turnId of await listUnaccounted(trx, sessionId)) {
    await settleTurn(trx, turnId);
    await chargeTurn(trx, { sessionId, turnId });
  }
}

/** What is taken back: the turn that runs, those that wait, or both. `all`: also what the agent has not read yet. */
export type Cancellation = { turns: readonly ActiveTurn[]; reason: TurnError; all?: boolean };

export const CANCELLED: TurnError = { code: 'cancelled', message: CANCELLED_MESSAGE };
export const TAKEN_BACK: TurnError = { code: 'cancelled', message: 'The message was taken back.' };
export const STOPPED: TurnError = { code: 'interrupted', message: 'The turn was interrupted by a request.' };

/** Cancels turns that wait or run. */
export async function cancelTurns(
  trx: Trx,
  session: SessionState,
  { turns, reason, all = false }: Cancellation,
): Promise<StoredEvent[]> {
  const ended: EndedTurn[] = [];
  for (const turn of turns) {
    if (all) await discardUnread(trx, turn.id);
    const end: TurnEnd = { id: turn.id, state: 'cancelled', result: null, error: reason };
    const { durationMs = null } = (await endTurn(trx, end)) ?? {};
    ended.push({ ...end, number: turn.number, durationMs, charge: null });
  }
  return await afterTurn(trx, session, ended);
}

const CUT_OFF: TurnError = { code: 'interrupted', message: 'The turn was cut off by the fork.' };

/** Ends the turns that a copied history has left open, and says where it comes from. */
export async function settleFork(
  trx: Trx,
  session: SessionState,
  origin: { session_id: string; seq: number },
): Promise<StoredEvent[]> {
  const { running, queued } = await listActiveTurns(trx, session.id);
  const turns = running === undefined ? queued : [running, ...queued];
  const status = turns.length === 0 ? session.status : 'cancelled';
  const data = { status, waiting_for: null, forked_from: origin };
  const forked: EventDraft = { kind: 'session', data, turnId: null, at: new Date() };
  return [
    ...(await insertEvents(trx, session.id, [forked])),
    ...(await cancelTurns(trx, session, { turns, reason: CUT_OFF })),
  ];
}

/** Every turn that runs (first) or waits. */
export async function listActiveTurns(
  trx: Trx,
  sessionId: string,
): Promise<{ running: ActiveTurn | undefined; queued: ActiveTurn[] }> {
  return { running: await findRunningId(trx, sessionId), queued: await listQueuedTurns(trx, sessionId) };
}

/** A waiting message becomes part of the running turn, whose agent is about to get it. */
export async function steerTurn(
  trx: Trx,
  session: SessionState,
  { turn, into }: { turn: ActiveTurn; into: Pick<ActiveTurn, 'id'> },
): Promise<StoredEvent[]> {
  if (!(await foldTurn(trx, turn.id, into.id))) return [];
  const change = { phase: 'steered' as const, state: 'completed' as const, steeredInto: into.id };
  return await insertEvents(trx, session.id, [turnEvent(turn, change, new Date())]);
}

/** The agent begins a message that became part of its turn: what it says from here on, it says knowing it. */
export async function readTurn(
  trx: Trx,
  session: Pick<SessionState, 'id'>,
  turn: ActiveTurn,
): Promise<StoredEvent[]> {
  if (!(await markRead(trx, turn.id))) return [];
  return await insertEvents(trx, session.id, [
    turnEvent(turn, { phase: 'read', state: 'completed' }, new Date()),
  ]);
}

/** The agent never read a message that had become part of its turn: it waits again, unless that was cancelled with all. */
export async function returnTurn(trx: Trx, session: SessionState, turn: ActiveTurn): Promise<StoredEvent[]> {
  const into = await unfoldTurn(trx, turn.id);
  if (into === null) return [];
  const at = new Date();
  const events = [turnEvent(turn, { phase: 'returned', state: 'queued' }, at)];
  if (into.discards_unread) {
    const returned = await insertEvents(trx, session.id, events);
    return [...returned, ...(await cancelTurns(trx, session, { turns: [turn], reason: TAKEN_BACK }))];
  }
  if (isActive(session.status)) return await insertEvents(trx, session.id, events);
  const waits = { status: 'pending' as const, error: null, started_at: null, ended_at: null };
  return await insertEvents(trx, session.id, [...events, sessionEvent('pending', at)], waits);
}

export type TurnContinuation = {
  reason: CutReason;
  /** What its agent is told; null where that makes its last request again. */
  note: string | null;
  /** What the log has of it and the agent does not know any more, by the ids of the messages. */
  lost: readonly string[];
};

/** A turn whose process has ended goes on in another one. */
export async function recordContinuation(
  trx: Trx,
  sessionId: string,
  { note, reason, lost, ...turn }: ActiveTurn & TurnContinuation,
): Promise<StoredEvent[]> {
  const by = note === null ? ('request' as const) : ('note' as const);
  const change = {
    phase: 'continued' as const,
    state: 'running' as const,
    continued: { continued_by: by, reason, lost: [...lost] },
    ...(note === null ? {} : { said: { text: note, images: 0 } }),
  };
  return await insertEvents(trx, sessionId, [turnEvent(turn, change, new Date())]);
}

/** A waiting message says something else. */
export async function recordEdit(
  trx: Trx,
  sessionId: string,
  turn: Prompt & { id: string; number: number },
): Promise<StoredEvent[]> {
  const change = { phase: 'edited' as const, state: 'queued' as const, said: said(turn) };
  return await insertEvents(trx, sessionId, [turnEvent(turn, change, new Date())]);
}

/** A waiting message has another delivery, or another place: before that one, or null behind those of its delivery. */
export async function recordMove(
  trx: Trx,
  sessionId: string,
  { delivery, before, ...turn }: { id: string; number: number; delivery: Delivery; before: string | null },
): Promise<StoredEvent[]> {
  const change = { phase: 'moved' as const, state: 'queued' as const, place: { delivery, before } };
  return await insertEvents(trx, sessionId, [turnEvent(turn, change, new Date())]);
}

/** Writes down what happened to approvals, and what the session waits for from now on. */
export async function recordWaiting(
  trx: Trx,
  session: Pick<SessionRow, 'id' | 'status' | 'waiting_for'>,
  events: readonly EventDraft[],
): Promise<StoredEvent[]> {
  const waitingFor = await findWaitingFor(trx, session.id);
  const drafts = [...events];
  if (waitingFor !== session.waiting_for) drafts.push(sessionEvent(session.status, new Date(), waitingFor));
  return await insertEvents(trx, session.id, drafts, { waiting_for: waitingFor });
}

/** The turn waits for nothing but tasks of its agent, or no longer does. */
export async function recordTasks(
  trx: Trx,
  session: Pick<SessionRow, 'id' | 'status' | 'waiting_for'>,
  awaits: boolean,
): Promise<StoredEvent[]> {
  const waitingFor = (await findWaitingFor(trx, session.id)) ?? (awaits ? 'tasks' : null);
  if (waitingFor === session.waiting_for) return [];
  const event = sessionEvent(session.status, new Date(), waitingFor);
  return await insertEvents(trx, session.id, [event], { waiting_for: waitingFor });
}

/** What was allowed for the session no longer is. */
export async function recordGrantRemoval(
  trx: Trx,
  session: Pick<SessionRow, 'id' | 'status' | 'waiting_for'>,
  grantId: string,
): Promise<StoredEvent[]> {
  const { status, waiting_for } = session;
  const data = { status, waiting_for, removed_grant: grantId };
  return await insertEvents(trx, session.id, [{ kind: 'session', data, turnId: null, at: new Date() }]);
}

type EndedTurn = TurnEnd & {
  number: number;
  /** Null of one that never began. */
  durationMs: number | null;
  /** Null where it is not known yet. */
  charge: Charge | null;
};

/** The session takes the state of its last turn, unless another one runs or waits. */
async function afterTurn(
  trx: Trx,
  session: SessionState,
  ended: readonly EndedTurn[],
): Promise<StoredEvent[]> {
  const last = ended.at(-1);
  if (last === undefined) return [];
  const at = new Date();
  const turnEvents = ended.map(({ state, error, charge, durationMs, ...turn }) => {
    const spent = { usage: charge?.usage ?? {}, duration_ms: durationMs };
    return turnEvent(turn, { phase: 'ended', state, error, costUsd: charge?.cost_usd ?? null, spent }, at);
  });
  if ((await findRunningId(trx, session.id)) !== undefined) {
    return await insertEvents(trx, session.id, turnEvents);
  }
  const withdrawn = await withdrawApprovals(trx, session.id);
  const isDone = !(await hasQueuedTurn(trx, session.id));
  const status: SessionStatus = isDone ? last.state : 'pending';
  return await insertEvents(trx, session.id, [...withdrawn, ...turnEvents, sessionEvent(status, at)], {
    status,
    waiting_for: null,
    error: isDone ? (last.error?.message ?? null) : null,
    ended_at: isDone ? sql<Date>`now()` : null,
  });
}

async function setConversation(trx: Trx, sessionId: string, claudeSessionId: string): Promise<void> {
  await trx
    .updateTable('sessions')
    .set({ claude_session_id: claudeSessionId })
    .where('id', '=', sessionId)
    .execute();
}

function turnEvent(
  turn: { id: string; number: number },
  change: {
    phase: TurnPhase;
    state: TurnState;
    error?: TurnEnd['error'];
    costUsd?: number | null;
    steeredInto?: string;
    said?: { text: string; images: number };
    place?: { delivery: Delivery; before: string | null };
    continued?: { continued_by: 'request' | 'note'; reason: CutReason; lost: string[] };
    /** Of one that has ended. */
    spent?: { usage: Partial<TokenUsage>; duration_ms: number | null };
  },
  at: Date,
): EventDraft {
  const data = {
    turn: turn.number,
    phase: change.phase,
    state: change.state,
    error: change.error ?? null,
    cost_usd: change.costUsd ?? null,
    steered_into: change.steeredInto ?? null,
    ...change.continued,
    ...change.said,
    ...change.place,
    ...change.spent,
  };
  return { kind: 'turn', data, turnId: turn.id, at };
}

function said({ prompt, content }: Prompt): { text: string; images: number } {
  return { text: prompt, images: content?.filter((block) => block.type === 'image').length ?? 0 };
}

function sessionEvent(status: SessionStatus, at: Date, waitingFor: WaitingFor | null = null): EventDraft {
  return { kind: 'session', data: { status, waiting_for: waitingFor }, turnId: null, at };
}
