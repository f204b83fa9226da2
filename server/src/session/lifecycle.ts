/**
 * How a session and its turns change state. Every function runs in a transaction that holds the session's row lock,
 * changes turn, session and event log together, and returns the events for the caller to publish after the commit.
 *
 *   session   pending ──▶ running ──▶ completed | error        (and from these, by a new turn, back to pending)
 *                └───────────┴──────▶ cancelled
 *   turn      queued  ──▶ running ──▶ completed | error
 *                └───────────┴──────▶ cancelled
 */
import { sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { EventDraft, StoredEvent } from '../event/event.ts';
import { insertEvents } from '../event/store.ts';
import {
  addTurnCost,
  endTurn,
  findQueuedTurn,
  findRunningTurn,
  insertTurn,
  startTurn,
  type TurnEnd,
  type TurnRow,
} from '../turn/store.ts';
import type { TokenUsage, TurnOutcome, TurnState } from '../turn/turn.ts';
import type { SessionStatus } from './session.ts';
import type { SessionRow } from './store.ts';

type Trx = Transaction<Database>;

export const CANCELLED_MESSAGE = 'Session was cancelled';

/** Adds a turn to the session's queue; the session waits for a worker. */
export async function queueTurn(
  trx: Trx,
  session: Pick<SessionRow, 'id' | 'tenant_id' | 'turn_count'>,
  turn: { id: string; prompt: string },
): Promise<StoredEvent[]> {
  const number = session.turn_count + 1;
  await insertTurn(trx, { ...turn, sessionId: session.id, tenantId: session.tenant_id, number });
  const at = new Date();
  const events: EventDraft[] = [
    { kind: 'prompt', data: { turn: number, text: turn.prompt }, turnId: turn.id, at },
    turnEvent({ id: turn.id, number }, { phase: 'queued', state: 'queued' }, at),
    sessionEvent('pending', at),
  ];
  const changes = {
    status: 'pending' as const,
    turn_count: number,
    error: null,
    started_at: null,
    ended_at: null,
  };
  return await insertEvents(trx, session.id, events, changes);
}

/** Starts the oldest queued turn, if there is one. */
export async function startNextTurn(
  trx: Trx,
  session: SessionRow,
): Promise<{ turn: TurnRow; events: StoredEvent[] } | null> {
  const turn = await findQueuedTurn(trx, session.id);
  if (turn === undefined) return null;
  await startTurn(trx, turn.id);
  const at = new Date();
  const drafts = [turnEvent(turn, { phase: 'started', state: 'running' }, at), sessionEvent('running', at)];
  const changes = { status: 'running' as const, started_at: sql<Date>`now()`, ended_at: null };
  const events = await insertEvents(trx, session.id, drafts, changes);
  return { turn, events };
}

/** Ends a running turn. What it cost counts also when it was cancelled meanwhile; its state then stays. */
export async function endRunningTurn(
  trx: Trx,
  session: SessionRow,
  turn: { id: string; number: number; outcome: TurnOutcome },
): Promise<StoredEvent[]> {
  const { outcome } = turn;
  const isNew = await addTurnCost(trx, { id: turn.id, costUsd: outcome.costUsd, usage: outcome.usage });
  if (isNew) await addSessionCost(trx, session, outcome);
  const error = outcome.state === 'error' ? outcome.error : null;
  const end: TurnEnd = { id: turn.id, state: outcome.state, result: outcome.result, error };
  if (!(await endTurn(trx, end))) return [];
  return await afterTurn(trx, session, [{ ...end, number: turn.number, costUsd: outcome.costUsd }]);
}

/** Cancels everything that waits or runs. */
export async function cancelTurns(
  trx: Trx,
  session: SessionRow,
): Promise<{ events: StoredEvent[]; runningTurnId: string | null }> {
  const running = await findRunningTurn(trx, session.id);
  const ended: EndedTurn[] = [];
  for (
    let turn = running ?? (await findQueuedTurn(trx, session.id));
    turn;
    turn = await findQueuedTurn(trx, session.id)
  ) {
    const error = { code: 'cancelled' as const, message: CANCELLED_MESSAGE };
    const end: TurnEnd = { id: turn.id, state: 'cancelled', result: null, error };
    await endTurn(trx, end);
    ended.push({ ...end, number: turn.number, costUsd: null });
  }
  return { events: await afterTurn(trx, session, ended), runningTurnId: running?.id ?? null };
}

type EndedTurn = TurnEnd & { number: number; costUsd: number | null };

/** The session takes the state of its last turn, unless another one waits. */
async function afterTurn(trx: Trx, session: SessionRow, ended: readonly EndedTurn[]): Promise<StoredEvent[]> {
  const last = ended.at(-1);
  if (last === undefined) return [];
  const isDone = (await findQueuedTurn(trx, session.id)) === undefined;
  const status: SessionStatus = isDone ? last.state : 'pending';
  const at = new Date();
  const turnEvents = ended.map((turn) =>
    turnEvent(turn, { phase: 'ended', state: turn.state, error: turn.error, costUsd: turn.costUsd }, at),
  );
  return await insertEvents(trx, session.id, [...turnEvents, sessionEvent(status, at)], {
    status,
    waiting_for: null,
    error: isDone ? (last.error?.message ?? null) : null,
    ended_at: isDone ? sql<Date>`now()` : null,
  });
}

async function addSessionCost(
  trx: Trx,
  session: SessionRow,
  spent: { costUsd: number; usage: TokenUsage; result: { session_id: string } | null },
): Promise<void> {
  const usage = Object.fromEntries(
    Object.entries(spent.usage).map(([kind, tokens]) => [kind, (session.usage[kind] ?? 0) + tokens]),
  );
  await trx
    .updateTable('sessions')
    .set((eb) => ({
      cost_usd: eb('cost_usd', '+', spent.costUsd),
      usage: JSON.stringify(usage),
      ...(spent.result === null ? {} : { claude_session_id: spent.result.session_id }),
    }))
    .where('id', '=', session.id)
    .execute();
}

function turnEvent(
  turn: { id: string; number: number },
  change: {
    phase: 'queued' | 'started' | 'ended';
    state: TurnState;
    error?: TurnEnd['error'];
    costUsd?: number | null;
  },
  at: Date,
): EventDraft {
  const data = {
    turn: turn.number,
    phase: change.phase,
    state: change.state,
    error: change.error ?? null,
    cost_usd: change.costUsd ?? null,
  };
  return { kind: 'turn', data, turnId: turn.id, at };
}

function sessionEvent(status: SessionStatus, at: Date): EventDraft {
  return { kind: 'session', data: { status, waiting_for: null }, turnId: null, at };
}
