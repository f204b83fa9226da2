import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { adoptUsage, findSpending, sumTurn } from './store.ts';

export type Charge = { cost_usd: number; usage: Record<string, number> };

/**
 * What a turn and its session cost is what the ledger has of them. It is read under the session's row lock: at the end
 * of the turn, and before it waits for a person.
 *
 * A request may be settled when its turn has ended already (it was cut off by that end), or between turns. Whoever
 * comes second puts it right: `settle_usage` locks the turn's row before it looks whether the turn is accounted for, so
 * either this read comes after the settlement, or the settlement says that it is late.
 *
 * What was asked between turns belongs to the turn that follows: an agent may begin one by itself, and ask the model
 * before the turn is in the database.
 */
export async function chargeTurn(
  trx: Transaction<Database>,
  { sessionId, turnId }: { sessionId: string; turnId: string | null },
): Promise<Charge> {
  if (turnId !== null) await adoptUsage(trx, { sessionId, turnId });
  const session = await findSpending(trx, sessionId);
  await setCost(trx, { table: 'sessions', id: sessionId, ...session });
  if (turnId === null) return { cost_usd: 0, usage: {} };
  const turn = await sumTurn(trx, turnId);
  await setCost(trx, { table: 'turns', id: turnId, ...turn });
  return turn;
}

/** For a settlement that came late. */
export async function correctCharge(
  db: Kysely<Database>,
  charge: { sessionId: string; turnId: string | null },
): Promise<void> {
  await inTransaction(db, async (trx) => {
    await sql`select from sessions where id = ${charge.sessionId} for update`.execute(trx);
    await chargeTurn(trx, charge);
  });
}

async function setCost(
  trx: Transaction<Database>,
  row: { table: 'sessions' | 'turns'; id: string; cost_usd: number; usage: Record<string, number> },
): Promise<void> {
  await trx
    .updateTable(row.table)
    .set({ cost_usd: row.cost_usd, usage: JSON.stringify(row.usage) })
    .where('id', '=', row.id)
    .execute();
}
