import { formatNumber } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { useNeedsYouCount } from './counts.ts';

/** Beside the name of the page, wherever one is; nothing where nobody is needed. */
export function NeedsYouCount() {
  const { t, locale } = useLocale();
  const count = useNeedsYouCount();
  if (count === null || count === 0) return null;
  return (
    <span className="ml-auto min-w-5 rounded-full bg-needs-soft px-1.5 text-center font-medium text-needs text-xs tabular-nums leading-5">
      <span aria-hidden>{formatNumber(count, locale)}</span>
      <span className="sr-only">{t('sessions.badge', { count })}</span>
    </span>
  );
}
