import { GreenroomError, type MessageEdit, type Turn } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { say } from '../i18n/locale.ts';
import { toasts } from '../ui/toast.tsx';
import type { SentAs } from './act.ts';
import { type Place, reorder } from './moves.ts';
import { sayFailure } from './send.ts';

/** What can be done with messages that wait. The agent may be faster, or another tab: then that is said, and no more. */
export function useQueueActs(sessionId: string) {
  const queryKey = ['messages', sessionId];
  const { mutate, isPending } = useMutation({
    mutationFn: async (act: () => Promise<unknown>) => await act(),
    onError: (error) => {
      if (isTooLate(error)) toasts.add({ title: say('composer.queue.tooLate') });
      else sayFailure('composer.queue.failed', error);
    },
    onSettled: async () => await queryClient.invalidateQueries({ queryKey }),
  });
  const edit = async (turnId: string, change: MessageEdit): Promise<unknown> =>
    await client.sessions.messages.edit(sessionId, turnId, change);
  return {
    isPending,
    remove: (turnId: string) => mutate(async () => await client.sessions.messages.remove(sessionId, turnId)),
    deliver: (turnId: string, delivery: SentAs) => mutate(async () => await edit(turnId, { delivery })),
    /** Shown at once; the list is read again in any case. */
    move: (turnId: string, place: Place | null) => {
      if (place === null) return;
      queryClient.setQueryData<Turn[]>(queryKey, (queue) => queue && reorder(queue, turnId, place));
      mutate(async () => await edit(turnId, place));
    },
  };
}

export type QueueActs = ReturnType<typeof useQueueActs>;

export function isTooLate(error: unknown): boolean {
  return error instanceof GreenroomError && error.code === 'message_not_queued';
}

/** New words for a message that waits; its images stay. */
export async function rewrite(sessionId: string, message: Turn, text: string): Promise<void> {
  const hasImages = message.content?.some((block) => block.type === 'image') === true;
  if (!hasImages) {
    await client.sessions.messages.edit(sessionId, message.turn_id, { prompt: text });
    return;
  }
  const whole = await client.sessions.turn(sessionId, message.turn_id);
  const images = (whole.content ?? []).filter((block) => block.type === 'image');
  const words = text.trim() === '' ? [] : [{ type: 'text' as const, text }];
  await client.sessions.messages.edit(sessionId, message.turn_id, { content: [...words, ...images] });
}
