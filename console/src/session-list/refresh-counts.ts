import type { SessionSummary } from '@greenroom/client';
import { queryClient } from '../api/query-client.ts';
import { summaries } from '../live/summaries.ts';
import { calm } from '../util/calm.ts';
import { changesApprovals, changesCounts } from './what-changes.ts';

/** Counts and pending approvals are read again when the stream tells of something that changes them. */
export function startRefreshingCounts(): () => void {
  const counts = refreshing(['counts'], 2_000);
  const approvals = refreshing(['approvals', 'pending'], 500);
  return summaries.subscribeAll(
    (_id, now: SessionSummary | undefined, before: SessionSummary | undefined) => {
      if (changesCounts(now, before)) counts();
      if (changesApprovals(now, before)) approvals();
    },
  );
}

function refreshing(queryKey: readonly string[], restMs: number): () => void {
  return calm(() => void queryClient.invalidateQueries({ queryKey }), { soonMs: 100, restMs });
}
