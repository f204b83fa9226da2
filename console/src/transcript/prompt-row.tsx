import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { BytesImage } from '../content/image.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { PromptItem } from '../log/item.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { LongText } from './long-text.tsx';
import { RowTools } from './row-tools.tsx';
import { useShown } from './use-log.ts';

/** What the agent was told. */
export function PromptRow({ item }: { item: PromptItem }) {
  const { t } = useLocale();
  const { text } = item;
  const label = labelOf(item);
  return (
    <div className="group/row pt-3">
      <div className="flex justify-end">
        <div className="relative max-w-[84%] rounded-2xl rounded-br-md bg-raised px-3.5 py-2">
          <div className="absolute right-full bottom-1 pr-1">
            <RowTools item={item} text={text} isForTouch />
          </div>
          <span className="sr-only">{t('transcript.prompt')}</span>
          {text !== '' && <LongText text={text} />}
          {item.images > 0 && <Images item={item} />}
        </div>
      </div>
      {label !== null && <div className="pt-0.5 text-right text-muted text-xs">{t(label)}</div>}
    </div>
  );
}

function labelOf({ state, delivery }: PromptItem) {
  if (state === 'taken_back') return 'transcript.takenBack';
  if (state === 'queued') return 'transcript.queued';
  if (state === 'steered') return 'transcript.steered';
  if (delivery === 'task') return 'transcript.fromTask';
  if (delivery === 'interrupt') return 'transcript.interrupting';
  return null;
}

/** An image of a prompt, by its number from 1 on; read anew when the prompt may have changed. */
function usePromptImage({ images, text, state, turnId }: PromptItem, number: number) {
  const { sessionId } = useShown();
  return useQuery({
    queryKey: ['image', sessionId, turnId, number, state, images, text.length],
    queryFn: async ({ signal }) => await client.sessions.image(sessionId, turnId ?? '', number, { signal }),
    enabled: turnId !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function Images({ item }: { item: PromptItem }) {
  return (
    <ul className="mt-2 flex flex-wrap gap-2">
      {Array.from({ length: item.images }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have no other name
        <li key={index}>
          <PromptImage item={item} number={index + 1} />
        </li>
      ))}
    </ul>
  );
}

function PromptImage({ item, number }: { item: PromptItem; number: number }) {
  const { t } = useLocale();
  const image = usePromptImage(item, number);
  if (image.isPending) return <Spinner label={t('transcript.images')} />;
  if (image.isError) return <ErrorNote error={image.error} onRetry={() => void image.refetch()} />;
  return <BytesImage bytes={image.data} alt={t('transcript.image', { number })} />;
}
