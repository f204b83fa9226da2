import { queryOptions } from '@tanstack/react-query';
import { client } from '../api/client.ts';

/** What waits in a session, in the order in which it will run. */
export function queueOf(sessionId: string) {
  return queryOptions({
    queryKey: ['messages', sessionId],
    queryFn: async ({ signal }) => await client.sessions.messages.list(sessionId, { signal }),
  });
}
