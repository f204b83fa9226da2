import type { Approval } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { knowsServerTime, serverNow } from '../api/server-clock.ts';
import { summaries } from '../live/summaries.ts';
import { calm } from '../util/calm.ts';
import { settled } from './approval-cache.ts';
import { forgetOldDrafts } from './draft.ts';
import { changesPending, oldestFirst } from './pending-list.ts';

/** More at once nobody answers one by one. */
export const MAX_PENDING = 100;
/** Sessions that wait may go on beside: not every word of theirs is a reason to ask again. */
const REFRESH = { soonMs: 50, restMs: 1_000 };

/** All that agents wait on, oldest first; of very many, the newest 100. */
export function usePendingApprovals() {
  useRefresh(null);
  const query = useQuery({
    queryKey: ['approvals', 'pending'],
    queryFn: async ({ signal }) => await readPending({}, signal),
  });
  return { ...query, approvals: useUnsettled(query.data) };
}

/** All that one session waits on, oldest first. */
export function useSessionApprovals(sessionId: string) {
  useRefresh(sessionId);
  const query = useQuery({
    queryKey: ['approvals', sessionId],
    queryFn: async ({ signal }) => await readPending({ session_id: sessionId }, signal),
  });
  return { ...query, approvals: useUnsettled(query.data) };
}

/** One approval, whatever has become of it. */
export function useApproval(id: string) {
  return useQuery({
    queryKey: ['approval', id],
    queryFn: async ({ signal }) => await client.approvals.get(id, { signal }),
  });
}

async function readPending(filter: { session_id?: string }, signal: AbortSignal): Promise<Approval[]> {
  const pending: Approval[] = [];
  const list = client.approvals.list({ ...filter, status: 'pending', pageSize: MAX_PENDING }, { signal });
  for await (const approval of list) if (pending.push(approval) === MAX_PENDING) break;
  forgetDraftsOnce();
  return oldestFirst(pending);
}

let hasForgotten = false;

/** By this device's clock, which may be hours ahead, some would go that somebody still writes. */
function forgetDraftsOnce(): void {
  if (hasForgotten || !knowsServerTime()) return;
  hasForgotten = true;
  forgetOldDrafts(serverNow());
}

/** Reads again when what the stream tells of a session, or of any (null), says that something else may be pending. */
function useRefresh(sessionId: string | null): void {
  useEffect(() => {
    const queryKey = ['approvals', sessionId ?? 'pending'];
    const refresh = calm(() => void queryClient.invalidateQueries({ queryKey }), REFRESH);
    return summaries.subscribeAll((id, now, before) => {
      if ((sessionId === null || id === sessionId) && changesPending(now, before)) refresh();
    });
  }, [sessionId]);
}

/** Without those of which something newer is known. */
function useUnsettled(approvals: readonly Approval[] | undefined): readonly Approval[] {
  const ids = (approvals ?? []).map(({ approval_id }) => approval_id);
  const subscribe = (listener: () => void) => {
    const ends = ids.map((id) => settled.subscribe(id, listener));
    return () => {
      for (const end of ends) end();
    };
  };
  const open = useSyncExternalStore(subscribe, () =>
    ids.filter((id) => settled.get(id) === undefined).join(),
  );
  return useMemo(() => {
    const isOpen = new Set(open.split(','));
    return (approvals ?? []).filter(({ approval_id }) => isOpen.has(approval_id));
  }, [approvals, open]);
}
