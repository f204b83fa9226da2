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
