import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { serverNow } from '../api/server-clock.ts';
import { takeApproval } from '../approval/approval-cache.ts';
import { live } from '../live/live.ts';
import { type News, SessionLog } from './session-log.ts';

/** The session itself: its status, options and latest turns. */
export function useSession(sessionId: string) {
  return useQuery({
    queryKey: ['session', sessionId],
    queryFn: async ({ signal }) => await client.sessions.get(sessionId, { signal }),
  });
}

/** Its log, the same for all who show it. */
export function useSessionLog(sessionId: string): SessionLog {
  const log = logOf(sessionId);
  useEffect(() => {
    const close = log.open();
    return () => {
      close();
      if (!log.isOpen && log.state.get().name === 'missing') logs.delete(sessionId);
    };
  }, [log, sessionId]);
  return log;
}

/** Sessions that one comes back to are there at once. */
const KEPT = 3;
const logs = new Map<string, SessionLog>();

function logOf(sessionId: string): SessionLog {
  const known = logs.get(sessionId);
  if (known !== undefined) return known;
  const log = new SessionLog({
    readPage: async (query) => await client.sessions.events(sessionId, query),
    follow: (follower) => live.follow(sessionId, follower),
    onNews: (news) => noteNews(sessionId, news),
    onApproval: takeApproval,
    schedule: scheduleFrame,
    later: (work, ms) => void setTimeout(work, ms),
    now: serverNow,
  });
  logs.set(sessionId, log);
  for (const [id, other] of logs) {
    if (logs.size <= KEPT) break;
    if (!other.isOpen) logs.delete(id);
  }
  return log;
}

const HIDDEN_MS = 1_000;

/** Hidden pages have no frames. */
function scheduleFrame(work: () => void): void {
  if (document.visibilityState === 'visible') requestAnimationFrame(work);
  else setTimeout(work, HIDDEN_MS);
}

const outdated: Record<News, readonly string[]> = {
  turn: ['session', 'turns', 'messages', 'changes', 'files'],
  session: ['session', 'tasks'],
  approval: ['session', 'approvals'],
  task: ['tasks'],
};

function noteNews(sessionId: string, news: ReadonlySet<News>): void {
  const names = new Set([...news].flatMap((kind) => outdated[kind]));
  for (const name of names) void queryClient.invalidateQueries({ queryKey: [name, sessionId] });
  if (news.has('approval')) void queryClient.invalidateQueries({ queryKey: ['approvals', 'pending'] });
}
