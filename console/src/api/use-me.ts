import { useQuery } from '@tanstack/react-query';
import { client } from './client.ts';

/** Who is signed in, and what they may do. */
export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: async ({ signal }) => await client.me({ signal }),
    staleTime: 60_000,
  });
}
