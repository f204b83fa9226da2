import type { EventKind, SessionEvent } from '@greenroom/client';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { client } from '../api/client.ts';
import { useSession } from '../api/use-session.ts';
import { JsonView } from '../content/json.tsx';
import { lineJson, wholeJson } from '../content/json-text.ts';
import { SafeText } from '../content/safe-text.tsx';
import { formatTime } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { useSummary } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Select } from '../ui/select.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { TextField } from '../ui/text-field.tsx';
import { calm } from '../util/calm.ts';
import { describeEvent } from './describe-event.ts';

const kinds = ['prompt', 'turn', 'session', 'approval', 'sdk'] as const satisfies EventKind[];
type Filter = 'all' | (typeof kinds)[number];

const PAGE = 100;

/** The log as it is stored, newest first. */
export function EventsPanel({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const [filter, setFilter] = useState<Filter>('all');
  const [text, setText] = useState('');
  const query = useEvents(sessionId, filter);
  const { data, error, isPending, refetch } = query;
  const newer = useNewer(sessionId, query);
  const events = (data?.pages ?? []).flatMap((page) => page.events);
  const shown = text === '' ? events : events.filter((event) => matches(event, text));
  return (
    <div className="flex flex-col gap-3 p-4">
      <div className="flex gap-2">
        <Select<Filter>
          aria-label={t('panel.events.kind')}
          className="w-32"
          value={filter}
          onChoose={setFilter}
          options={[
            { value: 'all', label: t('panel.events.all') },
            ...kinds.map((kind) => ({ value: kind, label: kind })),
          ]}
        />
        <TextField
          type="search"
          aria-label={t('panel.events.filter')}
          placeholder={t('panel.events.filter')}
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {isPending && error === null && <Spinner label={t('app.loading')} />}
      {!isPending && shown.length === 0 && <p className="text-[13px] text-muted">{t('panel.events.none')}</p>}
      {newer > 0 && (
        <Button size="small" onClick={() => void refetch()}>
          {t('panel.events.newer', { count: newer })}
        </Button>
      )}
      <ol className="flex flex-col">
        {shown.map((event) => (
          <EventRow key={event.seq} event={event} />
        ))}
      </ol>
      {query.hasNextPage && (
        <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('panel.events.older')}
        </Button>
      )}
    </div>
  );
}

function useEvents(sessionId: string, filter: Filter) {
  return useInfiniteQuery({
    queryKey: ['events', sessionId, filter],
    initialPageParam: undefined as number | undefined,
    queryFn: async ({ pageParam: before, signal }) => {
      const chosen = filter === 'all' ? {} : { kinds: [filter] };
      return await client.sessions.events(
        sessionId,
        { order: 'desc', limit: PAGE, before, ...chosen },
        { signal },
      );
    },
    getNextPageParam: (page) => (page.has_more ? page.events.at(-1)?.seq : undefined),
    gcTime: 0,
  });
}

/**
 * How many events there are behind the newest that is shown. They are read by themselves, not too often, while the newest
 * page is all that is shown; who reads older ones is not moved.
 */
function useNewer(sessionId: string, { data, refetch }: ReturnType<typeof useEvents>): number {
  const { data: session } = useSession(sessionId);
  const lastSeq = Math.max(useSummary(sessionId)?.last_seq ?? 0, session?.last_seq ?? 0);
  const [seen, setSeen] = useState(lastSeq);
  const isFirstPage = data?.pages.length === 1;
  const read = useMemo(() => calm(() => void refetch(), { soonMs: 100, restMs: 1_000 }), [refetch]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was read anew has all there was
  useEffect(() => setSeen(lastSeq), [data]);
  useEffect(() => {
    if (isFirstPage && lastSeq > seen) read();
  }, [isFirstPage, lastSeq, seen, read]);
  return isFirstPage ? 0 : Math.max(0, lastSeq - seen);
}

function matches(event: SessionEvent, text: string): boolean {
  return lineJson(event).toLowerCase().includes(text.toLowerCase());
}

function EventRow({ event }: { event: SessionEvent }) {
  const { t, locale } = useLocale();
  const [isOpen, setOpen] = useState(false);
  return (
    <li className="border-b text-xs">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex w-full items-baseline gap-2 rounded px-1 py-1.5 text-left hover:bg-hover coarse:min-h-11"
      >
        <span className="w-10 shrink-0 text-right text-muted tabular-nums">{event.seq}</span>
        <span className="w-16 shrink-0 font-medium">{event.kind}</span>
        <span className="min-w-0 flex-1 truncate font-mono text-muted">
          <SafeText text={describeEvent(event)} />
        </span>
      </button>
      {isOpen && (
        <div className="flex flex-col gap-1 pb-2 pl-1">
          <div className="flex items-center justify-between gap-2 text-muted">
            <time dateTime={event.at}>{formatTime(new Date(event.at), locale)}</time>
            <CopyButton text={() => wholeJson(event)} label={t('common.copy')} />
          </div>
          <JsonView value={event.data} label={t('panel.events.data', { seq: event.seq })} />
        </div>
      )}
    </li>
  );
}
