import { Check, CircleAlert, CircleSlash } from 'lucide-react';
import { formatCost, formatDuration } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import type { TurnEndItem } from '../log/item.ts';
import { LongText } from './long-text.tsx';
import { RowTools } from './row-tools.tsx';

/** How a turn ended. What went wrong is said in full. */
export function TurnEndRow({ item }: { item: TurnEndItem }) {
  if (item.state === 'error') return <FailedTurn item={item} />;
  return <EndedTurn item={item} />;
}

function EndedTurn({ item }: { item: TurnEndItem }) {
  const { t } = useLocale();
  const figures = useFigures(item);
  const isStopped = item.state === 'cancelled';
  const Icon = isStopped ? CircleSlash : Check;
  return (
    <div className="group/row flex min-h-7 items-center gap-2 text-muted text-xs">
      <Icon aria-hidden className={isStopped ? 'size-3.5' : 'size-3.5 text-done'} />
      <span>{[isStopped ? t('transcript.stopped') : null, ...figures].filter(Boolean).join(' · ')}</span>
      <span className="flex-1" />
      <RowTools item={item} />
    </div>
  );
}

function FailedTurn({ item }: { item: TurnEndItem }) {
  const { t } = useLocale();
  const figures = useFigures(item);
  return (
    <div className="group/row rounded-lg border border-danger-line bg-danger-soft px-3 py-2 text-[13px]">
      <div className="flex items-center gap-2">
        <CircleAlert aria-hidden className="size-4 shrink-0 text-danger" />
        <span className="font-medium">{t('transcript.failed')}</span>
        <code className="text-muted text-xs">{item.error?.code}</code>
        <span className="flex-1" />
        <span className="text-muted text-xs">{figures.join(' · ')}</span>
      </div>
      {item.error !== null && (
        <div className="mt-1 pl-6">
          <LongText text={item.error.message} />
        </div>
      )}
    </div>
  );
}

/** How long it took and what it cost, as far as that is known. */
export function useFigures({ durationMs, costUsd }: Pick<TurnEndItem, 'durationMs' | 'costUsd'>): string[] {
  const { t, locale } = useLocale();
  return [
    ...(durationMs === null ? [] : [formatDuration(durationMs, locale)]),
    ...(costUsd === null ? [] : [t('transcript.cost', { cost: formatCost(costUsd, locale) })]),
  ];
}
