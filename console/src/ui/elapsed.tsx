import { useNow } from '../api/server-clock.ts';
import { formatDuration } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';

/** How long something took, or takes: then it counts. */
export function Elapsed({ from, to }: { from: number; to: number | null }) {
  return to === null ? <Running from={from} /> : <Duration ms={to - from} />;
}

function Running({ from }: { from: number }) {
  return <Duration ms={Math.floor((useNow('second') - from) / 1_000) * 1_000} />;
}

function Duration({ ms }: { ms: number }) {
  const { locale } = useLocale();
  return <span className="whitespace-nowrap tabular-nums">{formatDuration(ms, locale)}</span>;
}
