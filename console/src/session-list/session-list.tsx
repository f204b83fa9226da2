import { lazy, type RefObject, Suspense, useCallback, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import type { BulkAct } from './bulk.ts';
import type { SessionListSearch } from './search.ts';
import { chosenOf, extend, noSelection, toggle, toggleAll } from './selection.ts';
import { SessionRows } from './session-rows.tsx';
import { SkeletonRows } from './skeleton-rows.tsx';
import { useListKeys } from './use-list-keys.ts';
import { useListing } from './use-listing.ts';
import type { Pointing, PointingHandlers } from './use-pointing.ts';

const BulkBar = lazy(async () => ({ default: (await import('./bulk-bar.tsx')).BulkBar }));
const EmptyList = lazy(async () => ({ default: (await import('./empty-list.tsx')).EmptyList }));
const BulkDialog = lazy(async () => ({ default: (await import('./bulk-dialog.tsx')).BulkDialog }));
const RenameDialog = lazy(async () => ({ default: (await import('./rename-dialog.tsx')).RenameDialog }));

/** What is asked about one session or many, and not done yet. */
export type Asked = { act: BulkAct; ids: readonly string[] } | { act: 'rename'; id: string };

export type SessionListProps = {
  search: SessionListSearch;
  scroller: RefObject<HTMLDivElement | null>;
  /** What the page has above the rows. */
  above: HTMLElement | null;
  pointing: Pointing;
  pointingHandlers: PointingHandlers;
};

/** The sessions of one search, and what is done with them. */
export function SessionList({ search, scroller, above, pointing, pointingHandlers }: SessionListProps) {
  const { t } = useLocale();
  const [selection, setSelection] = useState(noSelection);
  const [asked, setAsked] = useState<Asked | null>(null);
  /** Which row the keys are at; `times` grows when it is to get the focus. */
  const [active, setActive] = useState<{ id: string; times: number } | null>(null);
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const { listing, pages, look } = useListing(search, pointing, focusedId);
  const order = useMemo(() => listing.rows.map(({ id }) => id), [listing.rows]);
  const chosen = useMemo(() => chosenOf(selection, order), [selection, order]);
  const select = useCallback(
    (id: string, isRange: boolean) =>
      setSelection((now) => (isRange ? extend(now, order, id) : toggle(now, id))),
    [order],
  );
  const focus = useCallback((id: string | null) => {
    setFocusedId(id);
    if (id !== null) setActive((now) => (now?.id === id ? now : { id, times: 0 }));
  }, []);
  useListKeys({
    order,
    activeId: active?.id ?? null,
    chosen,
    goTo: (id) => setActive((now) => ({ id, times: (now?.times ?? 0) + 1 })),
    select,
    clear: () => setSelection(noSelection),
    ask: setAsked,
  });
  if (listing.readDownTo === null) {
    return pages.isError ? (
      <div className="mx-auto max-w-6xl px-3 sm:px-6">
        <ErrorNote error={pages.error} onRetry={() => void pages.refetch()} />
      </div>
    ) : (
      <SkeletonRows />
    );
  }
  const isEmpty = order.length === 0 && listing.readDownTo === '';
  return (
    <>
      {isEmpty ? (
        <Suspense fallback={null}>
          <EmptyList search={search} />
        </Suspense>
      ) : (
        <SessionRows
          rows={listing.rows}
          scroller={scroller}
          above={above}
          pointingHandlers={pointingHandlers}
          chosen={selection.ids}
          chosenCount={chosen.length}
          active={active}
          onSelect={select}
          onSelectAll={() => setSelection((now) => toggleAll(now, order))}
          onFocus={focus}
          onAsk={setAsked}
          pages={pages}
          onLook={look}
        />
      )}
      {chosen.length > 0 && (
        <Suspense fallback={null}>
          <BulkBar ids={chosen} onClear={() => setSelection(noSelection)} onAsk={setAsked} />
        </Suspense>
      )}
      <Suspense fallback={null}>
        {asked?.act === 'rename' ? (
          <RenameDialog id={asked.id} onClose={() => setAsked(null)} />
        ) : (
          asked !== null && (
            <BulkDialog
              act={asked.act}
              asked={asked.ids}
              onClose={() => setAsked(null)}
              onDone={() => setSelection(noSelection)}
            />
          )
        )}
      </Suspense>
      <p role="status" className="sr-only">
        {chosen.length > 0 ? t('sessions.selected', { count: chosen.length }) : ''}
      </p>
    </>
  );
}
