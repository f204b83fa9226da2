import { Image as ImageIcon } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';

/** How many images go with a message that waits; nothing without any. */
export function ImageCount({ count }: { count: number }) {
  const { t } = useLocale();
  if (count === 0) return null;
  return (
    <span className="flex shrink-0 items-center gap-1 text-muted text-xs">
      <ImageIcon aria-hidden className="size-3.5" />
      {t('composer.queue.images', { count })}
    </span>
  );
}
