import { useLocale } from '../i18n/locale.ts';
import type { SessionLog } from '../log/session-log.ts';
import { Button } from '../ui/button.tsx';
import { useStore } from '../util/store.ts';

/** Reads the older pages, for what is told of all of them; nothing where they are all there. */
export function LoadAll({ log, kind }: { log: SessionLog; kind?: 'quiet' }) {
  const { t } = useLocale();
  const older = useStore(log.older);
  if (older.name === 'none') return null;
  return (
    <Button
      size="small"
      disabled={older.name === 'loading'}
      onClick={() => void log.loadOlder(1)}
      {...(kind !== undefined && { kind })}
    >
      {t(older.name === 'loading' ? 'transcript.loadingOlder' : 'transcript.loadAll')}
    </Button>
  );
}
