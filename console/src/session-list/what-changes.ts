import type { SessionSummary } from '@greenroom/client';

type Known = SessionSummary | undefined;

/** Whether a session is counted elsewhere than before. */
export function changesCounts(now: Known, before: Known): boolean {
  return (
    now?.state !== before?.state ||
    now?.pinned !== before?.pinned ||
    now?.archived !== before?.archived ||
    now?.title !== before?.title
  );
}

/** Whether something waits for a person that did not, or the other way round. */
export function changesApprovals(now: Known, before: Known): boolean {
  return (
    (now?.state === 'needs_you') !== (before?.state === 'needs_you') ||
    (now?.pending_approvals ?? 0) !== (before?.pending_approvals ?? 0)
  );
}
