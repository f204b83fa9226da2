import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { PlainOnError } from '../content/plain-on-error.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { SessionLog } from '../log/session-log.ts';
import { cn } from '../ui/class-names.ts';
import { useStore } from '../util/store.ts';
import { FoldRow } from './fold-row.tsx';
import { useFolds } from './folds.ts';
import { ItemRow } from './item-row.tsx';
import { JumpToNewest } from './jump-to-newest.tsx';
import { OlderNote } from './older-note.tsx';
import { type Row, toRows, turnThatHides } from './rows.ts';
import { newOpened, ShownContext, useOrder } from './use-log.ts';

export type TranscriptViewProps = {
  sessionId: string;
  log: SessionLog;
  list: string;
  /** The row that is pointed at: it is scrolled to when it changes, and marked. */
  target: string | null;
};

/** Nearer than this to its end, it follows. */
const END_PX = 24;
/** So many rows before the first that is there, older ones are read. */
const NEAR_ROWS = 8;
/** Of folded turns a page may show little: so many pages are read to fill the window by itself. */
const PAGES_TO_FILL = 4;

/** The rows of a transcript, of any number: only those in sight are there. Stays at the end until somebody scrolls up. */
export function TranscriptView({ sessionId, log, list, target }: TranscriptViewProps) {
  const { t } = useLocale();
  const scroller = useRef<HTMLElement>(null);
  const { rows, setFold, folds } = useRows(log, list);
  const { virtualizer, isAtEnd, isNearStart, isNew } = useScroll({
    rows,
    log,
    scroller,
    hasTarget: target !== null,
  });
  folds.isReading = () => !virtualizer.isAtEnd(END_PX);
  useTarget({ target, rows, log, list, setFold, scrollTo: virtualizer.scrollToIndex });
  const [opened] = useState(newOpened);
  const shown = useMemo(() => ({ sessionId, log, list, opened }), [sessionId, log, list, opened]);
  return (
    <ShownContext value={shown}>
      <div className="relative h-full">
        <OlderNote log={log} isNear={isNearStart} />
        <section
          ref={scroller}
          role="log"
          aria-live="off"
          aria-label={t('transcript.label')}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
          tabIndex={0}
          className="h-full overflow-y-auto overscroll-contain [overflow-anchor:none] focus-visible:outline-offset-[-2px]"
        >
          <div ref={virtualizer.containerRef} className="relative w-full">
            {virtualizer.getVirtualItems().map(({ index, key }) => {
              const row = rows[index];
              if (row === undefined) return null;
              return (
                <div
                  key={key}
                  ref={virtualizer.measureElement}
                  data-index={index}
                  className="absolute inset-x-0"
                >
                  <div
                    className={cn(
                      'mx-auto w-full max-w-3xl px-4 py-1',
                      row.key === target && 'rounded-lg bg-accent-soft ring-2 ring-accent ring-inset',
                    )}
                  >
                    <PlainOnError plain={<RowFailure />}>
                      {row.kind === 'item' ? (
                        <ItemRow itemKey={row.key} />
                      ) : (
                        <Fold row={row} onToggle={setFold} />
                      )}
                    </PlainOnError>
                  </div>
                </div>
              );
            })}
          </div>
        </section>
        {!isAtEnd && <JumpToNewest count={isNew} onJump={() => virtualizer.scrollToEnd()} />}
      </div>
    </ShownContext>
  );
}

/** One row that this console cannot show (a newer server has others) leaves all others there. */
function RowFailure() {
  const { t } = useLocale();
  return <p className="px-2 py-1 text-[13px] text-danger">{t('transcript.cannotShow')}</p>;
}

function Fold({
  row,
  onToggle,
}: {
  row: Extract<Row, { kind: 'fold' }>;
  onToggle: (turnId: string, isOpen: boolean) => void;
}) {
  const { turnId, endKey, steps, failed, isOpen } = row;
  return (
    <FoldRow
      turnId={turnId}
      endKey={endKey}
      steps={steps}
      failed={failed}
      isOpen={isOpen}
      onToggle={onToggle}
    />
  );
}

function useRows(log: SessionLog, list: string) {
  const order = useOrder(log, list);
  const { folds, version, setFold } = useFolds(log.newest.get());
  const rows = useMemo(
    // `version`: what is folded has changed.
    () => (version < 0 ? [] : toRows(order, log.items.get.bind(log.items), folds.isOpen)),
    [order, log, folds, version],
  );
  return { rows, setFold, folds };
}

const heights = { prompt: 72, text: 96, thinking: 40, tool: 44, approval: 44, turn_end: 36, notice: 40 };

function useScroll({
  rows,
  log,
  scroller,
  hasTarget,
}: {
  rows: readonly Row[];
  log: SessionLog;
  scroller: RefObject<HTMLElement | null>;
  hasTarget: boolean;
}) {
  const [isAtEnd, setAtEnd] = useState(true);
  const [isNearStart, setNearStart] = useState(false);
  const isPlaced = useRef(false);
  const pagesToFill = useRef(PAGES_TO_FILL);
  const lastSeen = useRef<string | undefined>(undefined);
  const virtualizer = useVirtualizer<HTMLElement, HTMLElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => rows[index]?.key ?? index,
    estimateSize: (index) => {
      const row = rows[index];
      const item = row?.kind === 'item' ? log.items.get(row.key) : undefined;
      return item === undefined ? 40 : heights[item.kind];
    },
    overscan: 6,
    paddingStart: 16,
    paddingEnd: 16,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: END_PX,
    directDomUpdates: true,
    directDomUpdatesMode: 'position',
    onChange: (instance) => look(instance),
  });
  function look({
    isAtEnd: isAt,
    range,
    getTotalSize,
    scrollRect,
  }: Virtualizer<HTMLElement, HTMLElement>): void {
    if (!isPlaced.current) return;
    setAtEnd(isAt(END_PX));
    place(isAt(END_PX) && range?.endIndex === rows.length - 1);
    const isNear = (range?.startIndex ?? 0) < NEAR_ROWS;
    setNearStart(isNear);
    if (!isNear || log.older.get().name !== 'more') return;
    const isFilled = getTotalSize() > (scrollRect?.height ?? 0);
    if (!isFilled && --pagesToFill.current < 0) return;
    void log.loadOlder();
  }
  // Opened at its end.
  useLayoutEffect(() => {
    if (isPlaced.current || rows.length === 0) return;
    isPlaced.current = true;
    virtualizer.scrollToEnd();
  }, [rows, virtualizer]);
  const place = usePlacing({ scroller, hasTarget, scrollToEnd: () => virtualizer.scrollToEnd() });
  useFollowing(scroller, virtualizer);
  const older = useStore(log.older);
  // What is too short to be scrolled tells nothing by itself.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when a page has come
  useEffect(() => look(virtualizer), [older]);
  const lastKey = rows.at(-1)?.key;
  useEffect(() => {
    if (isAtEnd) lastSeen.current = lastKey;
  }, [isAtEnd, lastKey]);
  const seenTo = rows.findLastIndex((row) => row.key === lastSeen.current);
  return { virtualizer, isAtEnd, isNearStart, isNew: seenTo === -1 ? 0 : rows.length - 1 - seenTo };
}

/**
 * Brings it to its end when it is opened, again and again until it has come there: the virtualizer gives up after five
 * seconds, and a page may take longer for rows that are larger than it took them for. Whoever scrolls meanwhile, or asks
 * for another row, has their way.
 */
function usePlacing({
  scroller,
  hasTarget,
  scrollToEnd,
}: {
  scroller: RefObject<HTMLElement | null>;
  hasTarget: boolean;
  scrollToEnd: () => void;
}): (isThere: boolean) => void {
  const isOver = useRef(false);
  const frame = useRef<number | null>(null);
  if (hasTarget) isOver.current = true;
  useEffect(() => {
    const element = scroller.current;
    const end = (): void => {
      isOver.current = true;
    };
    const events = ['wheel', 'touchmove', 'pointerdown', 'keydown'] as const;
    for (const event of events) element?.addEventListener(event, end, { passive: true });
    return () => {
      for (const event of events) element?.removeEventListener(event, end);
      if (frame.current !== null) cancelAnimationFrame(frame.current);
      frame.current = null;
    };
  }, [scroller]);
  return (isThere) => {
    if (isThere) isOver.current = true;
    if (isOver.current || frame.current !== null) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = null;
      if (!isOver.current) scrollToEnd();
    });
  };
}

/**
 * Stays at the end also when what is below grows and takes room: a card, the queue, a longer draft. NOTE: only scrolling
 * says whether somebody reads elsewhere; a smaller window does not.
 */
function useFollowing(
  scroller: RefObject<HTMLElement | null>,
  virtualizer: Virtualizer<HTMLElement, HTMLElement>,
): void {
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    let isFollowing = true;
    const note = (): void => {
      isFollowing = virtualizer.isAtEnd(END_PX);
    };
    const observer = new ResizeObserver(() => {
      if (isFollowing) virtualizer.scrollToEnd();
    });
    element.addEventListener('scroll', note, { passive: true });
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', note);
      observer.disconnect();
    };
  }, [scroller, virtualizer]);
}

/** Scrolls to a row once, as soon as it is there: the turn that hides it opens first. */
function useTarget({
  target,
  rows,
  log,
  list,
  setFold,
  scrollTo,
}: {
  target: string | null;
  rows: readonly Row[];
  log: SessionLog;
  list: string;
  setFold: (turnId: string, isOpen: boolean) => void;
  scrollTo: (index: number, options: { align: 'center' }) => void;
}): void {
  const done = useRef<string | null>(null);
  useEffect(() => {
    if (target === done.current) return;
    if (target === null) {
      done.current = null;
      return;
    }
    const index = rows.findIndex((row) => row.key === target);
    if (index !== -1) {
      done.current = target;
      scrollTo(index, { align: 'center' });
      return;
    }
    const find = log.items.get.bind(log.items);
    const turnId = turnThatHides(target, log.orders.get(list) ?? [], find);
    if (turnId !== null) setFold(turnId, true);
  }, [target, rows, log, list, setFold, scrollTo]);
}
