import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Square } from 'lucide-react';
import { client } from '../api/client.ts';
import { reasonOf } from '../api/describe-error.ts';
import { useLocale } from '../i18n/locale.ts';
import type { Agent } from '../log/agents.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Popover } from '../ui/popover.tsx';
import { toasts } from '../ui/toast.tsx';

/** What goes on in the background can be stopped by itself; what its turn waits for ends with the turn alone. */
export function StopAgent({ agent, sessionId }: { agent: Agent; sessionId: string }) {
  const { t } = useLocale();
  const tasks = useQuery({
    queryKey: ['tasks', sessionId],
    queryFn: async ({ signal }) => await client.sessions.tasks.list(sessionId, { signal }),
  });
  const task = tasks.data?.find(
    ({ task_id: id, tool_use_id: callId, status }) =>
      status === 'running' && (id === agent.taskId || callId === agent.id),
  );
  if (task !== undefined) return <StopTask sessionId={sessionId} taskId={task.task_id} />;
  return (
    <Popover
      title={t('transcript.stopAgent')}
      trigger={
        <Button kind="quiet" size="iconSmall" aria-label={t('transcript.stopAgent')}>
          <Square aria-hidden />
        </Button>
      }
    >
      {tasks.isError ? (
        <ErrorNote error={tasks.error} onRetry={() => void tasks.refetch()} />
      ) : (
        <p className="text-[13px] text-muted">{t('transcript.cannotStop')}</p>
      )}
    </Popover>
  );
}

function StopTask({ sessionId, taskId }: { sessionId: string; taskId: string }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: async () => await client.sessions.tasks.stop(sessionId, taskId),
    onError: (error) =>
      toasts.add({ title: t('transcript.stopFailed'), description: reasonOf(error), type: 'error' }),
    onSettled: async () => await queries.invalidateQueries({ queryKey: ['tasks', sessionId] }),
  });
  return (
    <Button
      kind="quiet"
      size="iconSmall"
      aria-label={t('transcript.stopAgent')}
      disabled={stop.isPending}
      onClick={() => stop.mutate()}
    >
      <Square aria-hidden />
    </Button>
  );
}
