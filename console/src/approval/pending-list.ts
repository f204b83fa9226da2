import type { Approval, SessionSummary } from '@greenroom/client';

/** What is pending, oldest first: the first to ask is the first to be answered. */
export function oldestFirst(approvals: readonly Approval[]): Approval[] {
  return approvals.toSorted(
    (a, b) => a.requested_at.localeCompare(b.requested_at) || a.approval_id.localeCompare(b.approval_id),
  );
}

/** The list after one approval has changed: lists and events come in any order, and what is decided stays so. */
export function withApproval(approvals: readonly Approval[], changed: Approval): Approval[] {
  const others = approvals.filter(({ approval_id }) => approval_id !== changed.approval_id);
  return oldestFirst(changed.status === 'pending' ? [...others, changed] : others);
}

type Known = SessionSummary | undefined;

/** Whether a session may wait for something that it did not wait for, or the other way round. */
export function changesPending(now: Known, before: Known): boolean {
  return standOf(now) !== standOf(before);
}

/** How far a session is that waits; the same as long as it waits for the same. */
function standOf(summary: Known): string {
  if (summary === undefined || (summary.waiting_for === null && summary.pending_approvals === 0)) return '';
  return `${summary.pending_approvals}:${summary.last_seq}`;
}
