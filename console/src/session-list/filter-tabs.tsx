import type { SessionCounts } from '@greenroom/client';
import { Link } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { markInvisible } from '../content/invisible.ts';
import { formatNumber } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { useCounts } from './counts.ts';
import type { SessionListSearch } from './search.ts';

type Tab = {
  says: WordKey;
  search: Pick<SessionListSearch, 'state' | 'pinned' | 'archived'>;
  count: keyof Omit<SessionCounts, 'is_capped'>;
};

const tabs: readonly Tab[] = [
  { says: 'sessions.all', search: {}, count: 'total' },
  { says: 'state.needs_you', search: { state: 'needs_you' }, count: 'needs_you' },
  { says: 'state.working', search: { state: 'working' }, count: 'working' },
  { says: 'sessions.unread', search: { state: 'unread' }, count: 'unread' },
  { says: 'state.idle', search: { state: 'idle' }, count: 'idle' },
  { says: 'sessions.pinned', search: { pinned: true }, count: 'pinned' },
  { says: 'sessions.archived', search: { archived: true }, count: 'archived' },
];

/** Which sessions are shown: by state, with how many there are, and by the label that was chosen. */
export function FilterTabs({ search }: { search: SessionListSearch }) {
  const { t } = useLocale();
  const { data: counts } = useCounts(search);
  const { q, label } = search;
  const rest = { ...(q !== undefined && { q }), ...(label !== undefined && { label }) };
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <nav
        aria-label={t('sessions.filters')}
        className="-mx-3 flex max-w-[100vw] gap-1 overflow-x-auto px-3 py-1"
      >
        {tabs.map((tab) => (
          <TabLink key={tab.says} tab={tab} rest={rest} isCurrent={isCurrent(tab, search)} counts={counts} />
        ))}
      </nav>
      {label !== undefined && (
        <Link
          to="/sessions"
          search={({ label: _, ...others }) => others}
          aria-label={t('sessions.removeLabel', { label })}
          className="inline-flex h-7 max-w-64 items-center gap-1.5 rounded-full bg-accent-soft pr-1.5 pl-3 text-accent text-xs hover:bg-hover coarse:h-11"
        >
          <bdi className="truncate">{markInvisible(label)}</bdi>
          <X aria-hidden className="size-3.5 shrink-0" />
        </Link>
      )}
    </div>
  );
}

function isCurrent({ search }: Tab, { state, pinned, archived }: SessionListSearch): boolean {
  return search.state === state && search.pinned === pinned && search.archived === archived;
}

type TabLinkProps = {
  tab: Tab;
  rest: SessionListSearch;
  isCurrent: boolean;
  counts: SessionCounts | undefined;
};

function TabLink({ tab, rest, isCurrent, counts }: TabLinkProps) {
  const { t, locale } = useLocale();
  const count = counts?.[tab.count];
  const shown = count === undefined ? '' : formatNumber(count, locale);
  return (
    <Link
      to="/sessions"
      search={{ ...rest, ...tab.search }}
      aria-current={isCurrent ? 'page' : undefined}
      activeProps={{ 'aria-current': undefined }}
      data-current={isCurrent || undefined}
      className="flex h-8 shrink-0 items-center gap-1.5 rounded-md px-2.5 text-[13px] text-muted hover:bg-hover hover:text-ink coarse:h-11 data-[current]:bg-raised data-[current]:font-medium data-[current]:text-ink"
    >
      {t(tab.says)}
      <span className={countLook(tab, count)}>
        {counts?.is_capped === true && count !== undefined && count >= 10_000
          ? t('sessions.atLeast', { count: shown })
          : shown}
      </span>
    </Link>
  );
}

function countLook({ count: name }: Tab, count = 0): string {
  const base = 'min-w-4 text-center tabular-nums';
  if (count === 0) return `${base} text-faint`;
  if (name === 'needs_you') return `${base} rounded-full bg-needs-soft px-1.5 font-medium text-needs`;
  return name === 'unread' ? `${base} font-medium text-done` : base;
}
