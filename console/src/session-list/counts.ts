import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import type { SessionListSearch } from './search.ts';
import { toCountFilter } from './session-filter.ts';

/** How many sessions there are in each state, of those that are looked for. */
export function useCounts(search: SessionListSearch) {
  const filter = toCountFilter(search);
  return useQuery({
    queryKey: ['counts', filter],
    queryFn: async ({ signal }) => await client.sessions.counts(filter, { signal }),
    placeholderData: keepPreviousData,
  });
}

const EVERYWHERE = { archived: 'any' } as const;

/** How many sessions wait for a person, archived ones as well; null until it is known. */
export function useNeedsYouCount(): number | null {
  const { data } = useQuery({
    queryKey: ['counts', EVERYWHERE],
    queryFn: async ({ signal }) => await client.sessions.counts(EVERYWHERE, { signal }),
  });
  return data?.needs_you ?? null;
}
