import { ChevronRight } from 'lucide-react';
import { memo } from 'react';
import { formatDuration } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { RowActs } from './row-acts.tsx';
import { useFigures } from './turn-end-row.tsx';
import { useItem } from './use-log.ts';

export type FoldRowProps = {
  turnId: string;
  endKey: string;
  steps: number;
  failed: number;
  isOpen: boolean;
  onToggle: (turnId: string, isOpen: boolean) => void;
};

/** All that a finished turn did, behind one line. */
export const FoldRow = memo(function FoldRow({
  turnId,
  endKey,
  steps,
  failed,
  isOpen,
  onToggle,
}: FoldRowProps) {
  const { t, locale } = useLocale();
  const end = useItem(endKey);
  const turn = end?.kind === 'turn_end' ? end : { durationMs: null, costUsd: null };
  const [cost] = useFigures({ durationMs: null, costUsd: turn.costUsd });
  const worked =
    turn.durationMs === null
      ? t('transcript.worked')
      : t('transcript.workedFor', { duration: formatDuration(turn.durationMs, locale) });
  return (
    <div className="group/row flex items-center">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => onToggle(turnId, !isOpen)}
        className="flex min-h-8 min-w-0 flex-1 items-center gap-2 rounded-md px-2 text-left text-[13px] text-muted hover:bg-hover coarse:min-h-11"
      >
        <ChevronRight
          aria-hidden
          className={cn('size-4 shrink-0 transition-transform', isOpen && 'rotate-90')}
        />
        <span className="min-w-0 truncate tabular-nums">
          {[worked, t('transcript.steps', { count: steps }), cost].filter(Boolean).join(' · ')}
        </span>
        {failed > 0 && (
          <span className="shrink-0 whitespace-nowrap text-danger">
            {t('transcript.failedSteps', { count: failed })}
          </span>
        )}
        <span aria-hidden className="h-px min-w-4 flex-1 bg-line" />
      </button>
      {end?.kind === 'turn_end' && (
        <span className="opacity-0 focus-within:opacity-100 group-hover/row:opacity-100 coarse:opacity-100">
          <RowActs item={end} />
        </span>
      )}
    </div>
  );
});
