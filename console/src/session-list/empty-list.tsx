import { Link } from '@tanstack/react-router';
import { Archive, Inbox, SearchX } from 'lucide-react';
import { apiUrl } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { useLocale } from '../i18n/locale.ts';
import { buttonLook } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { useCounts } from './counts.ts';
import { curlCommand } from './curl-command.ts';
import type { SessionListSearch } from './search.ts';

/** Why there is nothing, and what can be done about it. */
export function EmptyList({ search }: { search: SessionListSearch }) {
  const { t } = useLocale();
  const { data: counts } = useCounts(search);
  if (Object.keys(search).length > 0) {
    return (
      <EmptyState icon={<SearchX aria-hidden />} title={t('sessions.empty.nothing')}>
        <Link to="/sessions" className={buttonLook()}>
          {t('sessions.empty.clear')}
        </Link>
      </EmptyState>
    );
  }
  if ((counts?.archived ?? 0) === 0) return <NoSession />;
  return (
    <EmptyState icon={<Archive aria-hidden />} title={t('sessions.empty.allArchived')}>
      <Link to="/sessions" search={{ archived: true }} className={buttonLook()}>
        {t('sessions.empty.showArchived')}
      </Link>
    </EmptyState>
  );
}

function NoSession() {
  const { t } = useLocale();
  const { data: me } = useMe();
  const needsKey = me !== undefined && me.signed_in_by !== 'local';
  const command = curlCommand({ apiUrl, needsKey });
  return (
    <EmptyState icon={<Inbox aria-hidden />} title={t('sessions.empty.title')}>
      <p className="text-muted">{t('sessions.empty.about')}</p>
      <div className="relative w-full rounded-lg border bg-panel text-left">
        <pre className="whitespace-pre-wrap break-words p-3 pr-12 font-mono text-[12.5px] leading-relaxed">
          {command}
        </pre>
        <div className="absolute top-1.5 right-1.5">
          <CopyButton text={command} />
        </div>
      </div>
      {needsKey && <p className="text-muted text-xs">{t('sessions.empty.needsKey')}</p>}
      <Link to="/new" className={buttonLook({ kind: 'primary' })}>
        {t('sessions.new')}
      </Link>
    </EmptyState>
  );
}
