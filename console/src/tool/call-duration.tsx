import { useNow } from '../api/server-clock.ts';
import { formatDuration } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';

const WORTH_SAYING_MS = 100;

/** How long it took, or counts while it runs; nothing for what took no time. */
export function CallDuration({ call: { state, startedAt, endedAt } }: { call: ToolCall }) {
  if (startedAt === null) return null;
  if (state === 'running') return <RunningTime startedAt={startedAt} />;
  return endedAt === null ? null : <Duration ms={endedAt - startedAt} />;
}

function RunningTime({ startedAt }: { startedAt: number }) {
  return <Duration ms={useNow('second') - startedAt} />;
}

function Duration({ ms }: { ms: number }) {
  const { locale } = useLocale();
  if (ms < WORTH_SAYING_MS) return null;
  return <span className="whitespace-nowrap tabular-nums">{formatDuration(ms, locale)}</span>;
}
