/**
 * How approvals change state. Every function runs in a transaction that holds the session's row lock, and returns
 * the events that go into the log with the change.
 *
 *   pending ──▶ allowed | denied | answered   (somebody answered)
 *      ├──────▶ expired                       (nobody did in time: the model reads that)
 *      └──────▶ withdrawn                     (the turn ended without it, or the agent took it back)
 */
import type { Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { EventDraft } from '../event/event.ts';
import type { WaitingFor } from '../session.ts';
import type { ApprovalKind, ApprovalPhase, ApprovalView } from './approval.ts';
import {
  type ApprovalEnd,
  type ApprovalRow,
  endApproval,
  insertApproval,
  listPending,
  type NewApproval,
} from './store.ts';

type Trx = Transaction<Database>;

const waits: Record<ApprovalKind, WaitingFor> = {
  tool: 'approval',
  plan: 'approval',
  question: 'question',
  client_tool: 'tool',
};

/** What the session waits for: what its oldest pending approval asks. */
export async function findWaitingFor(trx: Trx, sessionId: string): Promise<WaitingFor | null> {
  const oldest = (await listPending(trx, sessionId))[0];
  return oldest === undefined ? null : waits[oldest.kind];
}

export async function requestApproval(
  trx: Trx,
  approval: NewApproval,
): Promise<{ approval: ApprovalRow; event: EventDraft }> {
  const row = await insertApproval(trx, approval);
  return { approval: row, event: approvalEvent('requested', row) };
}

export async function closeApproval(
  trx: Trx,
  id: string,
  end: ApprovalEnd,
): Promise<{ approval: ApprovalRow; event: EventDraft }> {
  const row = await endApproval(trx, id, end);
  const phase = end.status === 'expired' || end.status === 'withdrawn' ? end.status : 'decided';
  return { approval: row, event: approvalEvent(phase, row) };
}

/** Nobody needs the answers any more: who asked has ended. */
export async function withdrawApprovals(
  trx: Trx,
  sessionId: string,
  isOver: (approval: ApprovalRow) => boolean = () => true,
): Promise<EventDraft[]> {
  const events: EventDraft[] = [];
  for (const { id } of (await listPending(trx, sessionId)).filter(isOver)) {
    events.push((await closeApproval(trx, id, { status: 'withdrawn', answer: null, decidedBy: null })).event);
  }
  return events;
}

export function toApprovalView(row: ApprovalRow): ApprovalView {
  return {
    approval_id: row.id,
    session_id: row.session_id,
    turn_id: row.turn_id,
    kind: row.kind,
    tool_name: row.tool_name,
    tool_use_id: row.tool_use_id,
    agent_id: row.agent_id,
    input: row.input,
    ...row.details,
    status: row.status,
    answer: row.answer,
    decided_by: row.decided_by,
    requested_at: row.requested_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    decided_at: row.decided_at?.toISOString() ?? null,
  };
}

function approvalEvent(phase: ApprovalPhase, row: ApprovalRow): EventDraft {
  return {
    kind: 'approval',
    data: { phase, approval: toApprovalView(row) },
    turnId: row.turn_id,
    at: new Date(),
  };
}
