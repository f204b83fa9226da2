import type { Turn } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import type { KeyboardEvent } from 'react';
import { queryClient } from '../api/query-client.ts';
import { say, useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { TextArea } from '../ui/text-field.tsx';
import { toasts } from '../ui/toast.tsx';
import { edited } from './drafts.ts';
import { keepText } from './kept.ts';
import { isTooLate, rewrite } from './use-queue-acts.ts';

export type QueueEditorProps = { sessionId: string; message: Turn; text: string };

/** A message that waits, in the making. Enter saves it, Escape leaves it as it was. */
export function QueueEditor({ sessionId, message, text }: QueueEditorProps) {
  const { t } = useLocale();
  const close = (): void => edited.change(sessionId, () => null);
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => await rewrite(sessionId, message, text),
    onSuccess: close,
    onError: (reason) => {
      if (!isTooLate(reason)) return;
      close();
      keepText(sessionId, `edit-${message.turn_id}`, text);
      toasts.add({ title: say('composer.queue.begun') });
    },
    onSettled: async () => await queryClient.invalidateQueries({ queryKey: ['messages', sessionId] }),
  });
  const hasImages = message.content?.some((block) => block.type === 'image') === true;
  const canSave = !isPending && (hasImages || text.trim() !== '');
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && !event.shiftKey && canSave) mutate();
    else return;
    event.preventDefault();
  };
  return (
    <div className="flex flex-col gap-2 p-2">
      <TextArea
        autoFocus
        dir="auto"
        aria-label={t('composer.queue.edit')}
        value={text}
        onChange={({ target }) =>
          edited.change(sessionId, (editing) =>
            editing === null ? null : { ...editing, text: target.value },
          )
        }
        onKeyDown={press}
      />
      {error !== null && !isTooLate(error) && <ErrorNote error={error} />}
      <div className="flex justify-end gap-2">
        <Button size="small" onClick={close}>
          {t('common.cancel')}
        </Button>
        <Button kind="primary" size="small" disabled={!canSave} onClick={() => mutate()}>
          {t('common.save')}
        </Button>
      </div>
    </div>
  );
}
