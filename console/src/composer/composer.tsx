import { useEffect } from 'react';
import { useShortcuts } from '../shortcuts/use-shortcuts.ts';
import { useStored } from '../util/stored.ts';
import { drafts } from './drafts.ts';
import { KeptList } from './kept-list.tsx';
import { MessageBox } from './message-box.tsx';
import { OutboxList } from './outbox-list.tsx';
import { QueueList } from './queue-list.tsx';
import { stopSession, watchOutbox } from './send.ts';
import { TaskPill } from './task-pill.tsx';
import { useStanding } from './use-standing.ts';

/** Where a session is spoken to: what waits to be said, and what is said next. */
export function Composer({ sessionId }: { sessionId: string }) {
  const standing = useStanding(sessionId);
  const draft = useStored(drafts, sessionId);
  useEffect(() => watchOutbox(sessionId), [sessionId]);
  useShortcuts({
    c: () => document.getElementById('composer')?.focus(),
    ...(standing !== 'idle' && { 'Escape Escape': () => void stopSession(sessionId) }),
  });
  return (
    <div className="flex flex-col gap-2 pt-1">
      <TaskPill sessionId={sessionId} />
      <KeptList sessionId={sessionId} standing={standing} />
      <QueueList sessionId={sessionId} standing={standing} />
      <OutboxList sessionId={sessionId} />
      <MessageBox sessionId={sessionId} standing={standing} draft={draft} />
    </div>
  );
}
