import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Send } from 'lucide-react';
import { useMemo } from 'react';
import { client } from '../api/client.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { randomKey } from '../util/random-key.ts';
import { CommentNote } from './comment-form.tsx';
import { toMessage } from './comment-message.ts';
import { removeComments, useComments } from './comments.ts';

/** All remarks, also those whose lines are not there any more, and the way to the agent: one message. */
export function CommentTray({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const comments = useComments(sessionId);
  const text = toMessage(comments, t('panel.changes.intro'));
  // The same remarks are the same message: sent again after a lost answer, it arrives once.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text is another message
  const idempotencyKey = useMemo(() => randomKey(), [text]);
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const sent = new Set(comments.map(({ id }) => id));
      await client.sessions.messages.send(sessionId, { prompt: text }, { idempotencyKey });
      return sent;
    },
    onSuccess: async (sent) => {
      removeComments(sessionId, sent);
      await queries.invalidateQueries({ queryKey: ['messages', sessionId] });
    },
  });
  if (comments.length === 0) return null;
  return (
    <section className="sticky bottom-0 flex max-h-[50%] flex-col gap-2 overflow-y-auto border-t bg-panel p-3">
      <div className="flex items-center justify-between gap-2">
        <h2 className="font-medium text-[13px]">{t('panel.changes.comments', { count: comments.length })}</h2>
        <Button size="small" kind="primary" disabled={isPending} onClick={() => mutate()}>
          <Send aria-hidden />
          {isPending ? t('panel.changes.sending') : t('panel.changes.send')}
        </Button>
      </div>
      {error !== null && <ErrorNote error={error} />}
      <ul className="flex flex-col gap-2">
        {comments.map((comment) => (
          <li key={comment.id} className="flex flex-col gap-1">
            <p className="truncate font-mono text-muted text-xs" dir="ltr">
              <SafeText text={`${comment.path}:${comment.line}`} />
            </p>
            <CommentNote sessionId={sessionId} comment={comment} />
          </li>
        ))}
      </ul>
    </section>
  );
}
