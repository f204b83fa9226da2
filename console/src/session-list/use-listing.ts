import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { summaries } from '../live/summaries.ts';
import { Store, useStore } from '../util/store.ts';
import {
  dropLeft,
  emptyListing,
  type Listing,
  noteChange,
  release,
  type Sight,
  takeReading,
} from './listing.ts';
import { needsReading, type View } from './pages-in-view.ts';
import { pinnedSessions, sessionPages } from './read-sessions.ts';
import { readingOf } from './reading.ts';
import type { SessionListSearch } from './search.ts';
import { matches } from './session-filter.ts';
import type { Pointing } from './use-pointing.ts';

/** So long a row stays, at least, after its session has left the filter. */
const LINGER_MS = 10_000;

/** The rows that the search finds, live. Of one search: another one takes another component. */
export function useListing(search: SessionListSearch, pointing: Pointing, focusedId: string | null) {
  const [store] = useState(() => new Store<Listing>(emptyListing));
  const isHeld = useRef(false);
  const listing = useStore(store);
  const view = useRef<View | null>(null);
  const pages = useInfiniteQuery(sessionPages(search, () => view.current));
  const pinned = useQuery({ ...pinnedSessions(search), enabled: search.pinned !== true });
  const isReady = pages.data !== undefined && !pinned.isLoading;
  useLayoutEffect(() => {
    isHeld.current = pointing === 'active';
    if (!isHeld.current) store.update((now) => release(now, (id) => sightOf(id, search)));
  }, [store, search, pointing]);
  useLayoutEffect(() => {
    if (!isReady) return;
    store.update((now) => {
      const reading = readingOf({
        pages: pages.data.pages,
        pinned: pinned.data,
        rowIds: now.rows.map(({ id }) => id),
        summaries,
        sightOf: (id) => sightOf(id, search),
      });
      return takeReading(now, reading, { now: Date.now(), isHeld: isHeld.current });
    });
  }, [store, search, isReady, pages.data, pinned.data]);
  useEffect(
    () =>
      summaries.subscribeAll((id) => {
        const at = { now: Date.now(), isHeld: isHeld.current };
        store.update((now) => noteChange(now, sightOf(id, search), at));
      }),
    [store, search],
  );
  useDroppingLeft(store, listing, pointing === 'away' ? focusedId : undefined);
  const { data, isFetching, isError, refetch } = pages;
  /** Which rows are looked at now: what is out of date there is read again. */
  const look = useCallback(
    (now: View | null): void => {
      view.current = now;
      if (data !== undefined && !isFetching && !isError && needsReading(data.pages, now)) void refetch();
    },
    [data, isFetching, isError, refetch],
  );
  return { listing, pages, look };
}

function sightOf(id: string, search: SessionListSearch): Sight {
  const summary = summaries.get(id);
  if (summary === undefined) return { id, match: false, isPinned: false };
  return { id, match: matches(summary, search), isPinned: summary.pinned };
}

/** `kept` is undefined while no row may go. */
function useDroppingLeft(store: Store<Listing>, { rows }: Listing, kept: string | null | undefined): void {
  useEffect(() => {
    if (kept === undefined) return;
    const left = rows.flatMap(({ id, leftAt }) => (leftAt === null || id === kept ? [] : [leftAt]));
    if (left.length === 0) return;
    const drop = (): void => store.update((now) => dropLeft(now, { before: Date.now() - LINGER_MS, kept }));
    const timer = setTimeout(drop, Math.max(0, Math.min(...left) + LINGER_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [store, rows, kept]);
}
