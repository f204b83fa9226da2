import { LoaderCircle } from 'lucide-react';
import { useSession } from '../api/use-session.ts';
import { formatTime } from '../i18n/format.ts';
import { type Translate, useLocale } from '../i18n/locale.ts';
import { live } from '../live/live.ts';
import { Elapsed } from '../ui/elapsed.tsx';
import { useStore } from '../util/store.ts';

/** What the session does now, or why it does not. */
export function SessionStanding({ sessionId }: { sessionId: string }) {
  const { t, locale } = useLocale();
  const { data: session } = useSession(sessionId);
  const connection = useStore(live.state);
  // Nobody knows what it does meanwhile.
  if (connection.name === 'waiting') return <Line>{t('session.outOfDate')}</Line>;
  if (session === undefined) return null;
  const { status, waiting_for: waitingFor, queue } = session;
  const running = session.turns.find((turn) => turn.state === 'running');
  if (status === 'pending') {
    return (
      <Line isMoving>
        {queue === null ? t('session.pending') : describeQueue(queue, t)}
        {queue !== null && <bdi className="text-faint">{queue.message}</bdi>}
      </Line>
    );
  }
  if (status !== 'running') return null;
  if (waitingFor !== null) return <Line>{t(`session.waitingFor.${waitingFor}`)}</Line>;
  const startedAt = running?.started_at ?? null;
  return (
    <Line isMoving>
      {t('session.working')}
      {startedAt !== null && (
        // Not for those who listen: it would be said each second.
        <span aria-hidden title={formatTime(new Date(startedAt), locale)}>
          <Elapsed from={Date.parse(startedAt)} to={null} />
        </span>
      )}
    </Line>
  );
}

type Queue = { position: number; reason: 'all_slots_in_use' | 'no_worker' | 'starting' };

function describeQueue({ position, reason }: Queue, t: Translate): string {
  return t(`session.queue.${reason}`, { position });
}

function Line({ isMoving = false, children }: { isMoving?: boolean; children: React.ReactNode }) {
  return (
    <div role="status" className="mx-auto w-full max-w-3xl px-4">
      <div className="flex min-h-7 flex-wrap items-center gap-2 px-2 text-[13px] text-muted">
        {isMoving && <LoaderCircle aria-hidden className="size-4 animate-spin text-working" />}
        {children}
      </div>
    </div>
  );
}
