import type { SummaryFilter } from '@greenroom/client';
import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { summaries } from '../live/summaries.ts';
import { cutAt, isInView, type ReadPage, type View } from './pages-in-view.ts';
import type { SessionListSearch } from './search.ts';
import { toSummaryFilter } from './session-filter.ts';

const PAGE = 100;
/** Pinned sessions stand on top, however old they are: so many of them at most. */
const MAX_PINNED = 200;

/** The stream keeps them right; they are read again when it was away, and by whoever knows better. */
const kept = { staleTime: Number.POSITIVE_INFINITY, refetchOnWindowFocus: false };

type Pages = { pages: ReadPage[] };

/** `view` is asked whenever pages are read again. */
export function sessionPages(search: SessionListSearch, view: () => View | null) {
  const queryKey = ['summaries', search] as const;
  return infiniteQueryOptions({
    queryKey,
    queryFn: async ({ pageParam, signal }) => {
      const old = oldPage(queryClient, queryKey, pageParam);
      if (old !== null && !(old.isOld && isInView(old, view()))) return old;
      return await readUpTo(search, { cursor: pageParam, end: old?.next ?? null }, signal);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    ...kept,
  });
}

/** What was read behind the cursor before, and whether that is still right. */
function oldPage(cache: QueryClient, queryKey: readonly unknown[], cursor: string | null): ReadPage | null {
  const { data, isInvalidated = false } = cache.getQueryState<Pages>(queryKey) ?? {};
  const page = data?.pages.find((one) => one.cursor === cursor);
  return page === undefined ? null : isInvalidated && !page.isOld ? { ...page, isOld: true } : page;
}

/** Many may have come in between: so on to where the page ended before. */
async function readUpTo(
  search: SessionListSearch,
  { cursor, end }: { cursor: string | null; end: string | null },
  signal: AbortSignal,
): Promise<ReadPage> {
  let page = cutAt(await readPage(search, { size: PAGE, cursor }, signal), end);
  while (end !== null && page.next !== null && page.next > end) {
    const more = await readPage(search, { size: PAGE, cursor: page.next }, signal);
    page = cutAt({ ...more, cursor, ids: [...page.ids, ...more.ids], askedAt: page.askedAt }, end);
  }
  return page;
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
  const filter: SummaryFilter = { ...toSummaryFilter(search), limit: size, cursor: cursor ?? undefined };
  const page = await client.sessions.summaryPage(filter, { signal });
  summaries.takeRead(page.summaries, askedAt);
  const ids = page.summaries.map(({ session_id }) => session_id);
  return { cursor, ids, next: page.next, askedAt, isOld: false };
}
