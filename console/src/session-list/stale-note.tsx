import { CloudOff } from 'lucide-react';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { live } from '../live/live.ts';
import { Button } from '../ui/button.tsx';
import { useStore } from '../util/store.ts';

/** The list keeps what it has while the server is away, and says that it is old. */
export function StaleNote() {
  const { t } = useLocale();
  const { name } = useStore(live.state);
  const [isStale, setStale] = useState(false);
  // While it tries again it is as old as before.
  const isStaleNow = name === 'waiting' || (isStale && name === 'connecting');
  if (isStaleNow !== isStale) setStale(isStaleNow);
  if (!isStaleNow) return null;
  return (
    <div
      role="status"
      className="flex items-center gap-3 rounded-lg border border-needs-line bg-needs-soft px-3 py-2 text-[13px] text-needs"
    >
      <CloudOff aria-hidden className="size-4 shrink-0" />
      <p className="flex-1">{t('sessions.stale')}</p>
      <Button size="small" onClick={() => live.wake()}>
        {t('connection.again')}
      </Button>
    </div>
  );
}
