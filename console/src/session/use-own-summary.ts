import type { SessionSummary } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { summaries, useSummary } from '../live/summaries.ts';

/** How the session stands. The stream begins with the newest sessions alone: of an older one it is asked for. */
export function useOwnSummary(sessionId: string): SessionSummary | undefined {
  const summary = useSummary(sessionId);
  useQuery({
    queryKey: ['summaries', 'of', sessionId],
    queryFn: async ({ signal }) => {
      const filter = { q: sessionId, archived: 'any' as const, limit: 1 };
      const page = await client.sessions.summaryPage(filter, { signal });
      const found = page.summaries.find(({ session_id: id }) => id === sessionId);
      summaries.set(sessionId, found);
      return found ?? null;
    },
    enabled: summary === undefined,
  });
  return summary;
}
