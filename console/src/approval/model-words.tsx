import { MessageSquareQuote } from 'lucide-react';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';

const MAX = 600;

/** What the model says about its call. It may say anything: so it stands in a frame of its own, under our words. */
export function ModelWords({ texts }: { texts: readonly string[] }) {
  const { t } = useLocale();
  if (texts.length === 0) return null;
  return (
    <figure className="rounded-md border border-line-strong border-dashed px-3 py-1.5 text-xs">
      <figcaption className="flex items-center gap-1.5 text-muted">
        <MessageSquareQuote aria-hidden className="size-3.5" />
        {t('approval.modelSays')}
      </figcaption>
      {texts.map((text) => (
        <blockquote key={text} className="whitespace-pre-wrap text-muted italic">
          <SafeText text={text.length > MAX ? `${text.slice(0, MAX)}…` : text} />
        </blockquote>
      ))}
    </figure>
  );
}
