import type { Approval } from '@greenroom/client';
import { serverNow, useNow } from '../api/server-clock.ts';
import { formatDuration, formatTime } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';

const SOON_MS = 60_000;
const HOUR_MS = 3_600_000;

/** How long an answer is still waited for, by the server's clock, and what happens then. */
export function Countdown({ approval, endsTurn }: { approval: Approval; endsTurn: boolean }) {
  const { t, locale } = useLocale();
  const ends = Date.parse(approval.expires_at);
  const left = ends - useNow(ends - serverNow() > HOUR_MS ? 'minute' : 'second');
  const time = formatDuration(Math.ceil(left / 1_000) * 1_000, locale);
  const says = left <= 0 ? 'approval.timeIsUp' : endsTurn ? 'approval.endsIn' : 'approval.deniedIn';
  return (
    <time
      dateTime={approval.expires_at}
      title={formatTime(new Date(ends), locale)}
      className={cn(
        'whitespace-nowrap text-xs tabular-nums',
        left < SOON_MS ? 'font-medium text-danger' : 'text-muted',
      )}
    >
      {t(says, { time })}
    </time>
  );
}
