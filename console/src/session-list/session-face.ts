import type { SessionSummary } from '@greenroom/client';

export type StateOfSession = Pick<SessionSummary, 'state' | 'status'>;

/** What a session looks like to whoever glances at it: its state, and how it ended. */
export type SessionFace =
  | 'queued'
  | 'working'
  | 'needs_you'
  | 'unread'
  | 'failed_unread'
  | 'cancelled_unread'
  | 'idle'
  | 'failed'
  | 'cancelled';

export function faceOf({ state, status }: StateOfSession): SessionFace {
  if (state === 'needs_you') return 'needs_you';
  if (state === 'working') return status === 'pending' ? 'queued' : 'working';
  const isUnread = state === 'unread';
  if (status === 'error') return isUnread ? 'failed_unread' : 'failed';
  if (status === 'cancelled') return isUnread ? 'cancelled_unread' : 'cancelled';
  return isUnread ? 'unread' : 'idle';
}
