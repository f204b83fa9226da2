import type { Approval } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { client } from '../api/client.ts';
import { ErrorNote } from '../ui/error-note.tsx';

/** The newest of them at most. */
const MAX_READ = 200;

const NeedsYouList = lazy(async () => ({ default: (await import('./needs-you-list.tsx')).NeedsYouList }));

function usePendingApprovals() {
  return useQuery({
    queryKey: ['approvals', 'pending'],
    queryFn: async ({ signal }) => {
      const pending: Approval[] = [];
      for await (const approval of client.approvals.list({ status: 'pending', pageSize: 50 }, { signal })) {
        pending.push(approval);
        if (pending.length >= MAX_READ) break;
      }
      return pending;
    },
  });
}

/** What agents wait for, over all sessions. The code of its cards comes when there is something to answer. */
export function NeedsYouStrip({ isHeld }: { isHeld: boolean }) {
  const { data = [], error, isLoadingError, refetch } = usePendingApprovals();
  const [wasNeeded, setNeeded] = useState(false);
  if (data.length > 0 && !wasNeeded) setNeeded(true);
  if (isLoadingError) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  return (
    wasNeeded && (
      <Suspense fallback={null}>
        <NeedsYouList pending={data} isHeld={isHeld} />
      </Suspense>
    )
  );
}
