import { useEffect } from 'react';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { serverNow } from '../api/server-clock.ts';
import { takeApproval } from '../approval/approval-cache.ts';
import { live } from '../live/live.ts';
import { calm } from '../util/calm.ts';
import { type News, SessionLog } from './session-log.ts';

/** The log of a session, the same for all who show it. */
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
    onNews: readAgain(sessionId),
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

type Outdated = { names: readonly string[]; restMs: number };

/** What is out of date by such news, and how seldom it is read again: a turn may have hundreds of calls and tasks. */
const outdated: Record<News, Outdated> = {
  turn: { names: ['session', 'turns', 'messages', 'changes', 'files'], restMs: 250 },
  session: { names: ['session', 'tasks'], restMs: 1_000 },
  approval: { names: ['session', 'approvals'], restMs: 1_000 },
  task: { names: ['tasks'], restMs: 1_000 },
};

function readAgain(sessionId: string): (news: ReadonlySet<News>) => void {
  const reads = Object.entries(outdated).map(([kind, { names, restMs }]) => {
    const read = (): void => {
      for (const name of names) void queryClient.invalidateQueries({ queryKey: [name, sessionId] });
      if (kind === 'approval') void queryClient.invalidateQueries({ queryKey: ['approvals', 'pending'] });
    };
    return { kind: kind as News, read: calm(read, { soonMs: 0, restMs }) };
  });
  return (news) => {
    for (const { kind, read } of reads) if (news.has(kind)) read();
  };
}
