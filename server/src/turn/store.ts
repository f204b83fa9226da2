import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { TurnTable } from './table.ts';
import type { TurnError, TurnResult } from './turn.ts';

export type TurnRow = Omit<Selectable<TurnTable>, 'error' | 'result'> & {
  error: TurnError | null;
  result: TurnResult | null;
};

export type NewTurn = { id: string; sessionId: string; tenantId: string; number: number; prompt: string };

export async function insertTurn(trx: Transaction<Database>, turn: NewTurn): Promise<void> {
  await trx
    .insertInto('turns')
    .values({
      id: turn.id,
      session_id: turn.sessionId,
      tenant_id: turn.tenantId,
      number: turn.number,
      state: 'queued',
      prompt: turn.prompt,
      usage: '{}',
    })
    .execute();
}

export async function findQueuedTurn(trx: Kysely<Database>, sessionId: string): Promise<TurnRow | undefined> {
  const row = await trx
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('state', '=', 'queued')
    .orderBy('number')
    .executeTakeFirst();
  return row as TurnRow | undefined;
}

export async function findRunningTurn(
  trx: Kysely<Database>,
  sessionId: string,
): Promise<TurnRow | undefined> {
  const row = await trx
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return row as TurnRow | undefined;
}

export async function listTurns(db: Kysely<Database>, sessionId: string): Promise<TurnRow[]> {
  const rows = await db
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('number')
    .execute();
  return rows as TurnRow[];
}

export async function startTurn(trx: Transaction<Database>, id: string): Promise<void> {
  await trx
    .updateTable('turns')
    .set({ state: 'running', started_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute();
}

export type TurnEnd = {
  id: string;
  state: 'completed' | 'error' | 'cancelled';
  result: TurnResult | null;
  error: TurnError | null;
};

/** Gives the turn its one terminal state. @returns false when it already had one. */
export async function endTurn(trx: Transaction<Database>, end: TurnEnd): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('turns')
    .set({
      state: end.state,
      result: end.result === null ? null : JSON.stringify(end.result),
      error: end.error === null ? null : JSON.stringify(end.error),
      ended_at: sql<Date>`now()`,
    })
    .where('id', '=', end.id)
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** What a turn cost, also one that was cancelled before the agent said so. @returns false when that was known already */
export async function addTurnCost(
  trx: Transaction<Database>,
  turn: { id: string; costUsd: number; usage: Record<string, number> },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('turns')
    .set({ is_accounted: true, cost_usd: turn.costUsd, usage: JSON.stringify(turn.usage) })
    .where('id', '=', turn.id)
    .where('is_accounted', '=', false)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
