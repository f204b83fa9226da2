import { useNow } from '../api/server-clock.ts';
import { type Translate, useLocale } from '../i18n/locale.ts';
import { live } from '../live/live.ts';
import type { ConnectionState } from '../live/live-connection.ts';
import { Button } from '../ui/button.tsx';
import { cn } from '../ui/class-names.ts';
import { useStore } from '../util/store.ts';

/** How the stream stands. Always there, and never green when nothing can come. */
export function ConnectionNote() {
  const { t } = useLocale();
  const state = useStore(live.state);
  useNow('second');
  return (
    <div className="flex items-center gap-2 px-2 py-1 text-muted text-xs">
      <span
        aria-hidden
        className={cn(
          'size-2 shrink-0 rounded-full',
          state.name === 'live' ? 'bg-done' : state.name === 'connecting' ? 'bg-needs' : 'bg-danger',
        )}
      />
      <span role="status" className="flex-1">
        {describe(state, t)}
      </span>
      {state.name === 'waiting' && (
        <Button kind="quiet" size="small" onClick={() => live.wake()}>
          {t('connection.again')}
        </Button>
      )}
    </div>
  );
}

function describe(state: ConnectionState, t: Translate): string {
  if (state.name === 'live') return t('connection.live');
  if (state.name === 'paused') return t('connection.paused');
  if (!navigator.onLine) return t('connection.offline');
  if (state.name !== 'waiting') return t('connection.connecting');
  return t('connection.waiting', { count: Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1_000)) });
}
