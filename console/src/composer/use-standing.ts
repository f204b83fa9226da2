import { useSession } from '../api/use-session.ts';
import { useSummary } from '../live/summaries.ts';
import { type Standing, standingOf } from './act.ts';

/** How the session stands, by whatever told it last. */
export function useStanding(sessionId: string): Standing {
  const { data: session } = useSession(sessionId);
  const summary = useSummary(sessionId);
  const isSessionNewer = (session?.last_seq ?? 0) > (summary?.last_seq ?? 0);
  const status = (isSessionNewer ? session?.status : summary?.status) ?? session?.status;
  return status === undefined ? 'idle' : standingOf(status);
}
