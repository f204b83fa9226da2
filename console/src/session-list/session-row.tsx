import type { SessionSummary } from '@greenroom/client';
import { Link } from '@tanstack/react-router';
import { Pin } from 'lucide-react';
import { memo, type ReactNode, useEffect, useRef, useState } from 'react';
import { useNow } from '../api/server-clock.ts';
import { formatAge, formatCost, formatCount, formatNumber, formatTime } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { shortModel, titleOf } from '../live/session-title.ts';
import { useSummary } from '../live/summaries.ts';
import { Checkbox } from '../ui/checkbox.tsx';
import { cn } from '../ui/class-names.ts';
import { cardGrid, rowGrid, wideOnly } from './row-grid.ts';
import type { Asked } from './session-list.tsx';
import { SessionMenu } from './session-menu.tsx';
import { SessionNote } from './session-note.tsx';
import { SessionStateBadge } from './session-state-badge.tsx';
import type { RowLayout } from './use-row-layout.ts';

export type SessionRowProps = {
  id: string;
  at: number;
  top: number;
  layout: RowLayout;
  isPinned: boolean;
  isLeft: boolean;
  isSelected: boolean;
  /** Grows whenever it is to take the focus; 0 is never. */
  focusTimes: number;
  onSelect: (id: string, isRange: boolean) => void;
  onAsk: (asked: Asked) => void;
};

declare global {
  /** Set by tests that count how often rows are rendered. */
  var onSessionRow: ((id: string) => void) | undefined;
}

/** One session. It alone renders again when something happens in it. */
export const SessionRow = memo(function SessionRow(props: SessionRowProps) {
  const { id, at, top, layout, isLeft, isSelected } = props;
  const { summary, isGone } = useLastSummary(id);
  globalThis.onSessionRow?.(id);
  if (summary === null) return null;
  const parts = { ...props, summary, isGone };
  return (
    <tr
      aria-rowindex={at + 2}
      data-session-id={id}
      data-left={isLeft || undefined}
      style={{ transform: `translateY(${top}px)` }}
      className={cn(
        'group absolute inset-x-0 border-b text-[13px]',
        layout === 'columns' ? `${rowGrid} h-14` : `${cardGrid} h-26`,
        isSelected ? 'bg-accent-soft' : 'hover:bg-raised has-[a[data-title]:focus-visible]:bg-raised',
        isLeft && 'text-faint [&_*]:text-faint',
        isLeft && !isSelected && 'bg-raised',
      )}
    >
      <SelectCell {...parts} />
      {layout === 'columns' ? <Columns {...parts} /> : <Card {...parts} />}
      <td className="relative z-10 flex justify-center">
        {!isGone && <SessionMenu summary={summary} onAsk={props.onAsk} />}
      </td>
    </tr>
  );
});

/** What was known last: a row of a session that was deleted says what it was, as long as it is there. */
function useLastSummary(id: string): { summary: SessionSummary | null; isGone: boolean } {
  const summary = useSummary(id);
  const [last, setLast] = useState(summary ?? null);
  if (summary !== undefined && summary !== last) setLast(summary);
  return { summary: summary ?? last, isGone: summary === undefined };
}

type PartProps = SessionRowProps & { summary: SessionSummary; isGone: boolean };

function SelectCell({ id, summary, isSelected, onSelect }: PartProps) {
  const { t } = useLocale();
  const isRange = useRef(false);
  return (
    <td className="relative z-10 flex h-full">
      <label
        htmlFor={`select-${id}`}
        className="flex flex-1 select-none items-center justify-center"
        onClickCapture={(event) => {
          if (event.nativeEvent.isTrusted) isRange.current = event.shiftKey;
        }}
      >
        <Checkbox
          id={`select-${id}`}
          checked={isSelected}
          onCheckedChange={() => onSelect(id, isRange.current)}
        />
        <span className="sr-only">
          {t('sessions.select', { title: titleOf(summary) ?? t('sessions.untitled') })}
        </span>
      </label>
    </td>
  );
}

function Title({ id, summary, focusTimes, isPinned, isGone }: PartProps) {
  const { t } = useLocale();
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    if (focusTimes > 0) link.current?.focus({ preventScroll: true });
  }, [focusTimes]);
  const title = titleOf(summary);
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      {isPinned && (
        <>
          <Pin aria-hidden className="size-3.5 shrink-0 text-muted" />
          <span className="sr-only">{t('sessions.isPinned')}</span>
        </>
      )}
      <Link
        ref={link}
        data-title
        to="/sessions/$sessionId"
        params={{ sessionId: id }}
        disabled={isGone}
        className={cn(
          'truncate after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent focus-visible:after:-outline-offset-2',
          summary.state === 'unread' ? 'font-semibold' : 'font-medium',
          title === null && 'text-muted italic',
          isGone && 'line-through',
        )}
      >
        <bdi>{title ?? t('sessions.untitled')}</bdi>
      </Link>
    </span>
  );
}

function Columns(props: PartProps) {
  const { summary, isLeft, isGone } = props;
  const { locale } = useLocale();
  return (
    <>
      <td>
        <SessionStateBadge state={summary.state} status={summary.status} />
      </td>
      <td className="flex min-w-0 flex-col pr-4">
        <Title {...props} />
        <SessionNote summary={summary} isLeft={isLeft} isGone={isGone} />
      </td>
      <td className={cn('truncate pr-2 text-muted', wideOnly)}>
        {summary.model === null ? '' : <bdi>{shortModel(summary.model)}</bdi>}
      </td>
      <Figure>{formatNumber(summary.turn_count, locale)}</Figure>
      <Figure className={wideOnly}>{formatCount(summary.tokens.total, locale)}</Figure>
      <Figure>{formatCost(summary.cost_usd, locale)}</Figure>
      <Figure className="text-muted">
        <Age summary={summary} />
      </Figure>
    </>
  );
}

function Figure({ className, children }: { className?: string; children: ReactNode }) {
  return <td className={cn('text-right tabular-nums', className)}>{children}</td>;
}

function Card(props: PartProps) {
  const { summary, isLeft, isGone } = props;
  const { t, locale } = useLocale();
  return (
    <td className="flex min-w-0 flex-col gap-1">
      <span className="flex items-center justify-between gap-2">
        <SessionStateBadge state={summary.state} status={summary.status} />
        <span className="flex gap-2 text-muted text-xs tabular-nums">
          <span>{t('sessions.turnCount', { count: summary.turn_count })}</span>
          <span>{formatCost(summary.cost_usd, locale)}</span>
          <Age summary={summary} />
        </span>
      </span>
      <Title {...props} />
      <SessionNote summary={summary} isLeft={isLeft} isGone={isGone} />
    </td>
  );
}

/** Since it began; when exactly is in the tooltip of the browser. */
function Age({ summary: { created_at } }: { summary: SessionSummary }) {
  const { t, locale } = useLocale();
  const now = useNow();
  const at = new Date(created_at);
  return (
    <time dateTime={created_at} title={t('sessions.created', { at: formatTime(at, locale) })}>
      {formatAge(now - at.getTime(), locale)}
    </time>
  );
}
