import { useLocale } from '../i18n/locale.ts';

const widths = ['w-3/5', 'w-2/5', 'w-1/2', 'w-3/4', 'w-2/5', 'w-3/5', 'w-1/2', 'w-2/3'];

/** Where rows will be, as high as they will be. */
export function SkeletonRows() {
  const { t } = useLocale();
  return (
    <div role="status" className="mx-auto max-w-6xl sm:px-6">
      <span className="sr-only">{t('sessions.loading')}</span>
      <div aria-hidden className="border-y bg-panel sm:rounded-lg sm:border-x">
        <div className="h-9 border-b" />
        {widths.map((width, at) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: they never change.
            key={at}
            className="flex h-26 flex-col justify-center gap-2 border-b px-4 last:border-b-0 md:h-14"
          >
            <div className={`h-3 animate-pulse rounded bg-hover ${width}`} />
            <div className="h-2.5 w-24 animate-pulse rounded bg-raised" />
          </div>
        ))}
      </div>
    </div>
  );
}
