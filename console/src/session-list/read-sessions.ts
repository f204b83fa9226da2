import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { summaries } from '../live/summaries.ts';
import type { SessionListSearch } from './search.ts';
import { toSummaryFilter } from './session-filter.ts';

const PAGE = 100;
/** Pinned sessions stand on top, however old they are: so many of them at most. */
const MAX_PINNED = 200;

/** Which sessions a page had; how they stand is in `summaries`. */
export type ReadPage = { ids: readonly string[]; next: string | null; askedAt: number };

/** The stream keeps them right; they are read again when it was away, and by whoever knows better. */
const kept = { staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false };

export function sessionPages(search: SessionListSearch) {
  return infiniteQueryOptions({
    queryKey: ['summaries', search],
    queryFn: async ({ pageParam, signal }) =>
      await readPage(search, { size: PAGE, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    ...kept,
  });
}

export function pinnedSessions(search: SessionListSearch) {
  return queryOptions({
    queryKey: ['summaries', search, 'pinned'],
    queryFn: async ({ signal }) =>
      await readPage({ ...search, pinned: true }, { size: MAX_PINNED, cursor: null }, signal),
    ...kept,
  });
}

async function readPage(
  search: SessionListSearch,
  { size, cursor }: { size: number; cursor: string | null },
  signal: AbortSignal,
): Promise<ReadPage> {
  const askedAt = summaries.version();
  const filter = { ...toSummaryFilter(search), pageSize: size, ...(cursor !== null && { cursor }) };
  const page = await client.sessions.summaryPage(filter, { signal });
  summaries.takeRead(page.summaries, askedAt);
  return { ids: page.summaries.map(({ session_id }) => session_id), next: page.next, askedAt };
}
