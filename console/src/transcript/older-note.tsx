import { useLocale } from '../i18n/locale.ts';
import type { SessionLog } from '../log/session-log.ts';
import { Button } from '../ui/button.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { useStore } from '../util/store.ts';

/** How the older pages stand, where one gets near to them. Lies over the rows: they stay where they are. */
export function OlderNote({ log, isNear }: { log: SessionLog; isNear: boolean }) {
  const { t } = useLocale();
  const older = useStore(log.older);
  if (older.name === 'none' || (older.name === 'more' && !isNear)) return null;
  return (
    <div className="-translate-x-1/2 absolute top-2 left-1/2 z-10 rounded-full border bg-panel px-3 py-0.5 shadow-raised">
      {older.name === 'loading' && <Spinner label={t('transcript.loadingOlder')} />}
      {older.name === 'more' && (
        <Button kind="quiet" size="small" onClick={() => void log.loadOlder()}>
          {t('transcript.loadOlder')}
        </Button>
      )}
      {older.name === 'failed' && (
        <span role="alert" className="flex items-center gap-2 text-[13px] text-danger">
          {t('transcript.olderFailed')}
          <Button size="small" onClick={() => void log.loadOlder()}>
            {t('common.retry')}
          </Button>
        </span>
      )}
    </div>
  );
}
