import type { SessionSummary } from '@greenroom/client';
import { queryClient } from '../api/query-client.ts';
import { summaries } from '../live/summaries.ts';
import { calm } from '../util/calm.ts';
import { changesCounts } from './what-changes.ts';

/** Counts are read again when the stream tells of something that changes them. */
export function startRefreshingCounts(): () => void {
  const refresh = calm(() => void queryClient.invalidateQueries({ queryKey: ['counts'] }), {
    soonMs: 100,
    restMs: 2_000,
  });
  return summaries.subscribeAll(
    (_id, now: SessionSummary | undefined, before: SessionSummary | undefined) => {
      if (changesCounts(now, before)) refresh();
    },
  );
}
