import { useQuery } from '@tanstack/react-query';
import { client } from './client.ts';

/** A session: its status, options and latest turns. */
export function useSession(sessionId: string) {
  return useQuery({
    queryKey: ['session', sessionId],
    queryFn: async ({ signal }) => await client.sessions.get(sessionId, { signal }),
  });
}
