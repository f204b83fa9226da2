import { lazy, Suspense, useState } from 'react';
import { usePendingApprovals } from '../approval/use-approvals.ts';
import { ErrorNote } from '../ui/error-note.tsx';

const NeedsYouList = lazy(async () => ({ default: (await import('./needs-you-list.tsx')).NeedsYouList }));

/** What agents wait for, over all sessions. The code of its cards comes when there is something to answer. */
export function NeedsYouStrip({ isHeld }: { isHeld: boolean }) {
  const { data, approvals, error, refetch } = usePendingApprovals();
  const [wasNeeded, setNeeded] = useState(false);
  if (approvals.length > 0 && !wasNeeded) setNeeded(true);
  if (error !== null && data === undefined) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  return (
    wasNeeded && (
      <Suspense fallback={null}>
        <NeedsYouList pending={data && approvals} isHeld={isHeld} />
      </Suspense>
    )
  );
}
