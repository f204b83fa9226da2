import { useQuery } from '@tanstack/react-query';
import { Inbox, Pencil, Send, Trash2 } from 'lucide-react';
import { useEffect } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { useStored } from '../util/stored.ts';
import type { Standing } from './act.ts';
import { type Kept, kept, putIntoDraft } from './drafts.ts';
import { ImageCount } from './image-count.tsx';
import { dropKept } from './kept.ts';
import { firstLine } from './outbox-list.tsx';
import { queueOf } from './queue-query.ts';
import { sendKept, settleKept } from './send.ts';

/** What waited when the session was stopped: kept until it is sent again, or thrown away. */
export function KeptList({ sessionId, standing }: { sessionId: string; standing: Standing }) {
  const { t } = useLocale();
  const all = useStored(kept, sessionId);
  const { data: queue } = useQuery(queueOf(sessionId));
  const hasUnsettled = all.some(({ isSettled }) => !isSettled);
  useEffect(() => {
    if (hasUnsettled && queue !== undefined) void settleKept(sessionId);
  }, [hasUnsettled, queue, sessionId]);
  const shown = all.filter(({ isSettled }) => isSettled);
  if (shown.length === 0) return null;
  const keys = shown.map(({ key }) => key);
  return (
    <section
      aria-label={t('composer.kept.label')}
      className="rounded-lg border border-needs-line bg-needs-soft"
    >
      <header className="flex flex-wrap items-center gap-2 px-3 py-1.5 text-[13px]">
        <Inbox aria-hidden className="size-4 shrink-0 text-needs" />
        <span className="min-w-0 flex-1">{t('composer.kept.says', { count: shown.length })}</span>
        {shown.length > 1 && (
          <Button size="small" onClick={() => sendKept(sessionId, keys, 'queue')}>
            <Send aria-hidden />
            {t('composer.kept.sendAll')}
          </Button>
        )}
      </header>
      <ul>
        {shown.map((entry) => (
          <KeptRow key={entry.key} sessionId={sessionId} entry={entry} standing={standing} />
        ))}
      </ul>
    </section>
  );
}

type KeptRowProps = { sessionId: string; entry: Kept; standing: Standing };

function KeptRow({ sessionId, entry, standing }: KeptRowProps) {
  const { t } = useLocale();
  const { key, text, images, turnId } = entry;
  const send = (): void => sendKept(sessionId, [key], 'queue');
  const edit = (): void => {
    putIntoDraft(sessionId, { text, images: [], attempt: null });
    dropKept(sessionId, [key]);
    document.getElementById('composer')?.focus();
  };
  return (
    <li className="flex flex-wrap items-center gap-2 border-needs-line border-t px-3 py-1 text-[13px]">
      <span dir="auto" title={text.slice(0, 1_000)} className="min-w-32 flex-1 truncate">
        {firstLine(text)}
      </span>
      <ImageCount count={images} />
      <span className="flex gap-1">
        <Button size="small" onClick={send}>
          <Send aria-hidden />
          {t(standing === 'idle' ? 'composer.act.send' : 'composer.act.queue')}
        </Button>
        {/* Its images are with the server: they come along only as it is. */}
        {(images === 0 || turnId === null) && (
          <Button kind="quiet" size="iconSmall" aria-label={t('composer.kept.edit')} onClick={edit}>
            <Pencil aria-hidden />
          </Button>
        )}
        <Button
          kind="quiet"
          size="iconSmall"
          aria-label={t('composer.kept.discard')}
          onClick={() => dropKept(sessionId, [key])}
        >
          <Trash2 aria-hidden />
        </Button>
      </span>
    </li>
  );
}
