import type { Session } from '@greenroom/client';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { formatCount } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { contextSize } from './context-size.ts';
import { Meter } from './meter.tsx';

/** The last answer and the last result are among so many. */
const EVENTS = 100;

/** How full the model's context is. */
export function ContextMeter({ session }: { session: Session }) {
  const { session_id: sessionId, last_seq: lastSeq } = session;
  const { t, locale } = useLocale();
  const { data: me } = useMe();
  const { data } = useQuery({
    queryKey: ['context', sessionId, lastSeq],
    queryFn: async ({ signal }) => {
      const query = { order: 'desc', kinds: ['sdk'], limit: EVENTS } as const;
      return contextSize((await client.sessions.events(sessionId, query, { signal })).events);
    },
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  if (data === undefined || data === null) return null;
  const { tokens, model } = data;
  const listed = me?.server.models.find(({ name }) => name === model)?.context_window;
  const window = data.window ?? listed ?? null;
  const used = formatCount(tokens, locale);
  return (
    <Meter
      label={t('panel.overview.context')}
      text={
        window === null
          ? t('panel.overview.tokenCount', { count: used })
          : t('panel.overview.of', { part: used, whole: formatCount(window, locale) })
      }
      part={window === null ? null : tokens / window}
    />
  );
}
