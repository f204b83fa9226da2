/** What a stay writes about approvals, under its fence. */
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { coversCall, hashCall } from '../../session/approval/grants.ts';
import { closeApproval, requestApproval } from '../../session/approval/lifecycle.ts';
import {
  type ApprovalRow,
  findByToolUse,
  listByIds,
  listUndelivered,
  markDelivered,
  moveToolUse,
  type NewApproval,
} from '../../session/approval/store.ts';
import type { StoredEvent } from '../../session/event/event.ts';
import { recordWaiting } from '../../session/lifecycle.ts';
import { findTurn } from '../../session/turn/store.ts';
import { type Hold, lockHeld } from './claim.ts';

/** Instead of an approval: `granted` for the whole session, or `over` because the turn has ended meanwhile. */
export type Asked = { approval: ApprovalRow | 'granted' | 'over'; events: StoredEvent[] };

/**
 * Asks, or finds what was asked before: the same call after its process had ended, either under the same id, or made
 * anew by the model. `live` are the calls of this process, which a new one cannot be.
 */
export async function openApproval(
  db: Kysely<Database>,
  hold: Hold,
  request: { approval: Omit<NewApproval, 'tenantId'>; live: ReadonlySet<string> },
): Promise<Asked> {
  const { approval, live } = request;
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const turn = await findTurn(trx, { sessionId: session.id, id: approval.turnId });
    // Interrupted; the agent will learn that in a moment. Nobody would withdraw what it asks now.
    if (turn?.state !== 'running') return { approval: 'over', events: [] };
    const { toolName: tool, input } = approval;
    const same = await findByToolUse(trx, { sessionId: hold.sessionId, toolUseId: approval.toolUseId });
    // A decision holds for its turn alone: a call of an earlier one may have run.
    if (same !== undefined && same.turn_id !== turn.id) return { approval: 'over', events: [] };
    const isSame = asksAbout({ tool, input });
    const before =
      same ?? (await listUndelivered(trx, turn.id)).find((row) => !live.has(row.tool_use_id) && isSame(row));
    // Rules that were granted are known to the agent program; it asks about calls that none of them covers, and about those that
    // had been asked about before: what was decided about them holds.
    const isDecided = before !== undefined && before.status !== 'pending' && before.status !== 'withdrawn';
    if (!isDecided && coversCall(session.grants, { tool, input })) {
      await markGranted(trx, turn.id);
      return { approval: 'granted', events: [] };
    }
    if (before !== undefined) {
      const isMoved = before.tool_use_id !== approval.toolUseId;
      return {
        approval: isMoved ? await moveToolUse(trx, before.id, approval.toolUseId) : before,
        events: [],
      };
    }
    const asked = await requestApproval(trx, { ...approval, tenantId: session.tenant_id });
    return { approval: asked.approval, events: await recordWaiting(trx, session, [asked.event]) };
  });
}

/** Whether an approval is of exactly this call, under whatever id. */
export function asksAbout(call: {
  tool: string;
  input: Record<string, unknown>;
}): (row: ApprovalRow) => boolean {
  const hash = hashCall(call);
  return (row) => hashCall({ tool: row.tool_name, input: row.input }) === hash;
}

/** Writes down that the agent is about to be told: from here on the tool may have run. */
export async function deliverApproval(db: Kysely<Database>, hold: Hold, id: string): Promise<void> {
  await inTransaction(db, async (trx) => {
    await lockHeld(trx, hold);
    await markDelivered(trx, id);
  });
}

/**
 * The same for what was allowed for the whole session while no agent was there: one that is given the grants makes such a
 * call without asking.
 */
export async function deliverGranted(db: Kysely<Database>, hold: Hold, turnId: string): Promise<void> {
  await inTransaction(db, async (trx) => {
    await lockHeld(trx, hold);
    await markGranted(trx, turnId);
  });
}

async function markGranted(trx: Transaction<Database>, turnId: string): Promise<void> {
  const granted = (await listUndelivered(trx, turnId)).filter(isForSession);
  for (const { id } of granted) await markDelivered(trx, id);
}

export function isForSession({ answer }: ApprovalRow): boolean {
  return answer !== null && 'decision' in answer && answer.decision === 'allow' && answer.scope === 'session';
}

/** The agent has taken its question back: a subagent was stopped, or a rule that is new covers the call. */
export async function withdrawQuestion(db: Kysely<Database>, hold: Hold, id: string): Promise<StoredEvent[]> {
  return await inTransaction(db, async (trx) => {
    const session = await lockHeld(trx, hold);
    const [row] = await listByIds(trx, [id]);
    if (row?.status !== 'pending') return [];
    const { event } = await closeApproval(trx, id, { status: 'withdrawn', answer: null, decidedBy: null });
    return await recordWaiting(trx, session, [event]);
  });
}

/** Those among the approvals that are pending no more. */
export async function findDecided(db: Kysely<Database>, ids: readonly string[]): Promise<ApprovalRow[]> {
  if (ids.length === 0) return [];
  return (await listByIds(db, ids)).filter((row) => row.status !== 'pending');
}
