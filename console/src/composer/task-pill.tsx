import type { Task } from '@greenroom/client';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Square } from 'lucide-react';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Elapsed } from '../ui/elapsed.tsx';
import { Popover } from '../ui/popover.tsx';
import { sayFailure } from './send.ts';

/** So many that have ended are shown as well. */
const ENDED = 10;

/** What goes on in the background, as long as something does. */
export function TaskPill({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { data: tasks = [] } = useQuery({
    queryKey: ['tasks', sessionId],
    queryFn: async ({ signal }) => await client.sessions.tasks.list(sessionId, { signal }),
  });
  const running = tasks.filter(({ status }) => status === 'running');
  const ended = tasks.filter(({ status }) => status !== 'running').slice(-ENDED);
  if (running.length === 0) return null;
  return (
    <div>
      <Popover
        title={t('composer.tasks.title')}
        trigger={
          <Button size="small" className="rounded-full">
            <span aria-hidden className="size-2 animate-pulse rounded-full bg-working" />
            {t('composer.tasks.running', { count: running.length })}
          </Button>
        }
      >
        <ul className="flex flex-col">
          {[...running, ...ended.toReversed()].map((task) => (
            <TaskRow key={task.task_id} sessionId={sessionId} task={task} />
          ))}
        </ul>
      </Popover>
    </div>
  );
}

function TaskRow({ sessionId, task }: { sessionId: string; task: Task }) {
  const { t } = useLocale();
  const { task_id: id, status, description, started_at: from, ended_at: to, subagent_type: agent } = task;
  const { mutate, isPending } = useMutation({
    mutationFn: async () => await client.sessions.tasks.stop(sessionId, id),
    onError: (error) => sayFailure('composer.tasks.stopFailed', error),
    onSettled: async () => await queryClient.invalidateQueries({ queryKey: ['tasks', sessionId] }),
  });
  const isRunning = status === 'running';
  return (
    <li className="flex items-center gap-2 border-t py-1.5 text-[13px] first:border-t-0">
      <span className="flex min-w-0 flex-1 flex-col">
        <span className="line-clamp-2 font-mono text-xs">
          <SafeText text={description.slice(0, 500)} />
        </span>
        <span className="text-muted text-xs">
          {t(`composer.tasks.status.${status}`)}
          {agent !== null && <> · {t('composer.tasks.agent')}</>}
          {(isRunning || to !== null) && (
            <>
              {' · '}
              <Elapsed from={Date.parse(from)} to={to === null ? null : Date.parse(to)} />
            </>
          )}
        </span>
      </span>
      {isRunning && (
        <Button
          kind="quiet"
          size="small"
          disabled={isPending}
          aria-label={t('composer.tasks.stop', { name: description.slice(0, 80) })}
          onClick={() => mutate()}
        >
          <Square aria-hidden />
          {t('composer.stop')}
        </Button>
      )}
    </li>
  );
}
