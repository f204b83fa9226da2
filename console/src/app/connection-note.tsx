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
      <span aria-hidden className={cn('size-2 shrink-0 rounded-full', colours[state.name])} />
      <span role="status" className="min-w-0 flex-1">
        {describe(state, t)}
        {/* The seconds are for the eye: read aloud, each of them would be. */}
        {state.name === 'waiting' && (
          <span aria-hidden> {t('connection.nextTry', { count: secondsLeft(state) })}</span>
        )}
      </span>
      {state.name === 'waiting' && (
        <Button kind="quiet" size="small" onClick={() => live.wake()}>
          {t('connection.again')}
        </Button>
      )}
    </div>
  );
}

const colours: Record<ConnectionState['name'], string> = {
  live: 'bg-done',
  connecting: 'bg-needs',
  waiting: 'bg-danger',
  paused: 'bg-line-strong',
  stopped: 'bg-line-strong',
};

function describe({ name }: ConnectionState, t: Translate): string {
  if ((name === 'connecting' || name === 'waiting') && !navigator.onLine) return t('connection.offline');
  return t(`connection.${name}`);
}

function secondsLeft({ retryAt }: { retryAt: number }): number {
  return Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
}
