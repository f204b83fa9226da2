import type { Turn } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { type DragEvent, useEffect, useState } from 'react';
import { say, useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import { toasts } from '../ui/toast.tsx';
import { useStored } from '../util/stored.ts';
import type { Standing } from './act.ts';
import { edited } from './drafts.ts';
import { keepText } from './kept.ts';
import { likesOf, moveOnto } from './moves.ts';
import { QueueEditor } from './queue-editor.tsx';
import { queueOf } from './queue-query.ts';
import { QueueRow } from './queue-row.tsx';
import { type QueueActs, useQueueActs } from './use-queue-acts.ts';

const NONE: readonly Turn[] = [];

/** What waits, in the order in which the agent gets it. */
export function QueueList({ sessionId, standing }: { sessionId: string; standing: Standing }) {
  const { t } = useLocale();
  const { data: queue = NONE, error, refetch, isSuccess } = useQuery(queueOf(sessionId));
  const editing = useStored(edited, sessionId);
  const acts = useQueueActs(sessionId);
  const drag = useDrag(queue, acts);
  useRescue({ sessionId, queue, isSuccess });
  if (error !== null) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  if (queue.length === 0) return null;
  return (
    <section aria-label={t('composer.queue.label')} className="rounded-lg border bg-panel">
      <h2 className="px-3 py-1 text-muted text-xs">{t('composer.queue.says', { count: queue.length })}</h2>
      <ol className="max-h-60 overflow-y-auto">
        {queue.map((message) => (
          <li
            key={message.turn_id}
            {...drag.propsOf(message.turn_id)}
            className={cn('border-t', drag.over === message.turn_id && 'bg-accent-soft')}
          >
            {editing?.turnId === message.turn_id ? (
              <QueueEditor sessionId={sessionId} message={message} text={editing.text} />
            ) : (
              <QueueRow
                sessionId={sessionId}
                message={message}
                queue={queue}
                standing={standing}
                acts={acts}
                onDrag={() => drag.start(message.turn_id)}
              />
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A message that is edited may begin meanwhile: what was written of it must not be lost. */
function useRescue({
  sessionId,
  queue,
  isSuccess,
}: {
  sessionId: string;
  queue: readonly Turn[];
  isSuccess: boolean;
}): void {
  const editing = useStored(edited, sessionId);
  useEffect(() => {
    if (editing === null || !isSuccess) return;
    const message = queue.find(({ turn_id: id }) => id === editing.turnId);
    if (message !== undefined && message.sent_at === null) return;
    edited.change(sessionId, () => null);
    if (editing.text.trim() === editing.before.trim()) return;
    keepText(sessionId, `edit-${editing.turnId}`, editing.text);
    toasts.add({ title: say('composer.queue.begun') });
  }, [editing, queue, isSuccess, sessionId]);
}

function useDrag(queue: readonly Turn[], { move }: QueueActs) {
  const [dragged, setDragged] = useState<string | null>(null);
  const [over, setOver] = useState<string | null>(null);
  const mayTake = (id: string): boolean =>
    dragged !== null && likesOf(queue, dragged).some(({ turn_id }) => turn_id === id);
  return {
    over,
    start: setDragged,
    propsOf: (id: string) => ({
      onDragOver: (event: DragEvent) => {
        if (!mayTake(id)) return;
        event.preventDefault();
        setOver(id);
      },
      onDragLeave: () => setOver(null),
      onDragEnd: () => {
        setDragged(null);
        setOver(null);
      },
      onDrop: (event: DragEvent) => {
        setOver(null);
        if (dragged === null) return;
        event.preventDefault();
        move(dragged, moveOnto(queue, dragged, id));
        setDragged(null);
      },
    }),
  };
}
