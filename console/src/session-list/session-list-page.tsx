import { useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { FilterTabs } from './filter-tabs.tsx';
import { ListToolbar } from './list-toolbar.tsx';
import { NeedsYouStrip } from './needs-you-strip.tsx';
import { SessionList } from './session-list.tsx';
import { StaleNote } from './stale-note.tsx';
import { usePointing } from './use-pointing.ts';

/** All sessions, live. The page scrolls as a whole; the rows are only there where they are looked at. */
export function SessionListPage() {
  const { t } = useLocale();
  const search = useSearch({ from: '/sessions' });
  const scroller = useRef<HTMLDivElement>(null);
  const [above, setAbove] = useState<HTMLElement | null>(null);
  const { pointing, handlers } = usePointing();
  return (
    <div ref={scroller} className="relative h-full overflow-y-auto" data-scroll-restoration-id="sessions">
      <div ref={setAbove} className="mx-auto flex max-w-6xl flex-col gap-4 px-3 pt-4 pb-3 sm:px-6 sm:pt-6">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
          <h1 className="mr-auto font-semibold text-lg">{t('sessions.title')}</h1>
          <ListToolbar search={search} />
        </div>
        <StaleNote />
        <NeedsYouStrip isHeld={pointing === 'active'} />
        <FilterTabs search={search} />
      </div>
      <SessionList
        // Another search is another list.
        key={JSON.stringify(search)}
        search={search}
        scroller={scroller}
        above={above}
        pointing={pointing}
        pointingHandlers={handlers}
      />
    </div>
  );
}
