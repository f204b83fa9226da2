import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { DataImage } from '../content/image.tsx';
import { useLocale } from '../i18n/locale.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import type { PromptItem } from './item.ts';
import { LongText } from './long-text.tsx';
import { RowTools } from './row-tools.tsx';
import { useShown } from './use-log.ts';

/** What the agent was told. */
export function PromptRow({ item }: { item: PromptItem }) {
  const { t } = useLocale();
  const turn = usePromptTurn(item);
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
          {item.images > 0 && <Images turn={turn} />}
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

/** Images are in the turn alone. */
function usePromptTurn({ images, text, state, turnId }: PromptItem) {
  const { sessionId } = useShown();
  return useQuery({
    queryKey: ['turn', sessionId, turnId, state, images, text.length],
    queryFn: async ({ signal }) => await client.sessions.turn(sessionId, turnId ?? '', { signal }),
    enabled: turnId !== null && images > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function Images({ turn }: { turn: ReturnType<typeof usePromptTurn> }) {
  const { t } = useLocale();
  if (turn.isPending) return <Spinner label={t('transcript.images')} />;
  if (turn.isError) return <ErrorNote error={turn.error} onRetry={() => void turn.refetch()} />;
  const images = (turn.data.content ?? []).flatMap((block) => (block.type === 'image' ? [block.source] : []));
  return (
    <ul className="mt-2 flex flex-wrap gap-2">
      {images.map(({ media_type: type, data }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have no other name, and never change
        <li key={index}>
          <DataImage base64={data} mediaType={type} alt={t('transcript.image', { number: index + 1 })} />
        </li>
      ))}
    </ul>
  );
}
