import { Link2 } from 'lucide-react';
import { formatClock, formatTime } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import type { TranscriptItem } from '../log/item.ts';
import { MAIN } from '../log/item-lists.ts';
import { Button } from '../ui/button.tsx';
import { cn } from '../ui/class-names.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { toasts } from '../ui/toast.tsx';
import { copyText } from '../util/copy-text.ts';
import { RowActs } from './row-acts.tsx';
import { useShown } from './use-log.ts';

export type RowToolsProps = {
  item: TranscriptItem;
  /** What can be copied of it. */
  text?: string;
  /** Also where there is no pointer: then it is always there. */
  isForTouch?: boolean;
};

/** When it was, and what can be done with one row: shown where one points or tabs to. */
export function RowTools({ item, text, isForTouch = false }: RowToolsProps) {
  const { t, locale } = useLocale();
  const { list } = useShown();
  const at = new Date(item.at);
  const copyLink = async (seq: number): Promise<void> => {
    await copyText(linkTo(seq, list)).then(
      () => toasts.add({ title: t('transcript.linkCopied') }),
      () => toasts.add({ title: t('acts.copyFailed'), type: 'error' }),
    );
  };
  return (
    <span
      className={cn(
        'flex shrink-0 items-center gap-0.5 text-muted text-xs opacity-0 transition-opacity focus-within:opacity-100 group-hover/row:opacity-100',
        isForTouch ? 'coarse:opacity-100' : 'coarse:hidden',
      )}
    >
      <time
        dateTime={at.toISOString()}
        title={formatTime(at, locale)}
        className="whitespace-nowrap px-1 tabular-nums coarse:hidden"
      >
        {formatClock(at, locale)}
      </time>
      {text !== undefined && (
        <span className="coarse:hidden">
          <CopyButton text={text} />
        </span>
      )}
      {item.seq !== null && (
        <Button
          kind="quiet"
          size="iconSmall"
          aria-label={t('transcript.copyLink')}
          onClick={() => void copyLink(item.seq ?? 0)}
        >
          <Link2 aria-hidden />
        </Button>
      )}
      <RowActs item={item} text={text} />
    </span>
  );
}

function linkTo(seq: number, list: string): string {
  const url = new URL(window.location.href);
  url.search = '';
  url.searchParams.set('at', `${seq}`);
  if (list !== MAIN) url.searchParams.set('agent', list);
  return url.href;
}
