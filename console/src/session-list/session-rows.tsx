import { useVirtualizer } from '@tanstack/react-virtual';
import { type FocusEvent, type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { ListEnd, type Pages } from './list-end.tsx';
import { findRow, type Row } from './listing.ts';
import type { View } from './pages-in-view.ts';
import { RowHeader } from './row-header.tsx';
import { rowsMoved } from './scroll-anchor.ts';
import type { Asked } from './session-list.tsx';
import { SessionRow } from './session-row.tsx';
import type { PointingHandlers } from './use-pointing.ts';
import { type RowLayout, rowHeights, useHeightOf, useRowLayout } from './use-row-layout.ts';

const HEADER = 36;
/** So many rows before the end, further ones are read. */
const AHEAD = 30;

export type SessionRowsProps = {
  rows: readonly Row[];
  scroller: RefObject<HTMLDivElement | null>;
  above: HTMLElement | null;
  pointingHandlers: PointingHandlers;
  chosen: ReadonlySet<string>;
  chosenCount: number;
  active: { id: string; times: number } | null;
  onSelect: (id: string, isRange: boolean) => void;
  onSelectAll: () => void;
  onFocus: (id: string | null) => void;
  onAsk: (asked: Asked) => void;
  pages: Pages;
  /** Which rows are in sight. */
  onLook: (view: View | null) => void;
};

/** The rows that are looked at, each in its place, and what is said at their end. */
export function SessionRows(props: SessionRowsProps) {
  const { t } = useLocale();
  const { rows, scroller, above, active, chosen, pages } = props;
  const layout = useRowLayout(scroller);
  const virtualizer = useRowVirtualizer(props, layout);
  useStillness(rows, scroller, useHeightOf(above) + HEADER, rowHeights[layout]);
  useGoing(virtualizer, rows, active);
  const items = virtualizer.getVirtualItems();
  useLooking(rows, virtualizer.range, props.onLook);
  useReadingAhead(pages, (items.at(-1)?.index ?? 0) >= rows.length - AHEAD);
  return (
    <div className="mx-auto max-w-6xl sm:px-6 sm:pb-6">
      <div className="border-y bg-panel sm:rounded-lg sm:border-x">
        <table aria-label={t('sessions.list')} aria-rowcount={rows.length + 1} className="block">
          <RowHeader
            layout={layout}
            total={rows.length}
            chosen={props.chosenCount}
            onSelectAll={props.onSelectAll}
          />
          <tbody
            {...props.pointingHandlers}
            onFocus={(event) => props.onFocus(rowOf(event))}
            onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || props.onFocus(null)}
            className="relative block [overflow-anchor:none]"
            // The line under the last row is that of the table.
            style={{ height: Math.max(0, virtualizer.getTotalSize() - 1) }}
          >
            {items.map((item) => {
              const row = rows[item.index];
              return (
                row && (
                  <SessionRow
                    key={row.id}
                    id={row.id}
                    at={item.index}
                    top={item.start - virtualizer.options.scrollMargin}
                    layout={layout}
                    isPinned={row.isPinned}
                    isLeft={row.leftAt !== null}
                    isSelected={chosen.has(row.id)}
                    focusTimes={active?.id === row.id ? active.times : 0}
                    onSelect={props.onSelect}
                    onAsk={props.onAsk}
                  />
                )
              );
            })}
          </tbody>
        </table>
        <ListEnd pages={pages} className={cn(rows.length === 0 && 'py-10')} />
      </div>
    </div>
  );
}

function rowOf(event: FocusEvent): string | null {
  return event.target.closest<HTMLElement>('[data-session-id]')?.dataset.sessionId ?? null;
}

function useRowVirtualizer({ rows, scroller, above, active }: SessionRowsProps, layout: RowLayout) {
  const margin = useHeightOf(above) + HEADER;
  const height = rowHeights[layout];
  const activeAt = active === null ? -1 : findRow(rows, active.id);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 10,
    scrollMargin: margin,
    scrollPaddingStart: HEADER,
    scrollPaddingEnd: 72,
    // What has the focus is there, however far it is scrolled away.
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const from = Math.max(0, startIndex - overscan);
      const to = Math.min(count - 1, endIndex + overscan);
      const indexes = Array.from({ length: to - from + 1 }, (_, at) => from + at);
      if (activeAt === -1 || (activeAt >= from && activeAt <= to)) return indexes;
      return activeAt < from ? [activeAt, ...indexes] : [...indexes, activeAt];
    },
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was measured is of the other height.
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height]);
  return virtualizer;
}

/** Whatever comes or goes above what is looked at, that stays where it is. */
function useStillness(
  rows: readonly Row[],
  scroller: RefObject<HTMLElement | null>,
  margin: number,
  height: number,
): void {
  const before = useRef({ rows, margin, height });
  useLayoutEffect(() => {
    const last = before.current;
    before.current = { rows, margin, height };
    const element = scroller.current;
    if (element === null || last.height !== height) return;
    const scrolled = element.scrollTop + HEADER - last.margin;
    if (scrolled < 0 || element.scrollTop === 0) return;
    const moved = rowsMoved(last.rows, rows, Math.floor(scrolled / height));
    const by = moved * height + margin - last.margin;
    if (by !== 0) element.scrollTop += by;
  }, [rows, scroller, margin, height]);
}

type Virtualizer = ReturnType<typeof useRowVirtualizer>;

/** Where the keys go, the list goes along. */
function useGoing(
  virtualizer: Virtualizer,
  rows: readonly Row[],
  active: { id: string; times: number } | null,
): void {
  const gone = useRef(0);
  useEffect(() => {
    if (active === null || active.times === gone.current || active.times === 0) return;
    gone.current = active.times;
    const at = findRow(rows, active.id);
    if (at !== -1) virtualizer.scrollToIndex(at, { align: 'auto' });
  }, [virtualizer, rows, active]);
}

/** Tells which rows are in sight; those on top by a pin are read by themselves. */
function useLooking(
  rows: readonly Row[],
  range: Virtualizer['range'],
  onLook: (view: View | null) => void,
): void {
  const inSight = rows.slice(range?.startIndex ?? 0, (range?.endIndex ?? -1) + 1);
  const unpinned = inSight.filter(({ isPinned }) => !isPinned);
  const first = unpinned[0]?.id;
  const last = unpinned.at(-1)?.id;
  useEffect(
    () => onLook(first === undefined || last === undefined ? null : { first, last }),
    [onLook, first, last],
  );
}

/** What failed is tried again by hand: see `ListEnd`. */
function useReadingAhead({ hasNextPage, isFetching, isError, fetchNextPage }: Pages, isNear: boolean): void {
  useEffect(() => {
    if (isNear && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [isNear, hasNextPage, isFetching, isError, fetchNextPage]);
}
