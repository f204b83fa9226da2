import type { Approval } from '@greenroom/client';

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
