import { useLocale } from '../i18n/locale.ts';
import { splitInvisible } from './invisible.ts';

/**
 * Text of which nothing is hidden: what cannot be seen is shown by its code, and its direction does not reach the text
 * around it. For commands, paths, rules, code.
 */
export function SafeText({ text }: { text: string }) {
  const { t } = useLocale();
  const parts = splitInvisible(text);
  const [only] = parts;
  if (parts.length < 2 && only?.kind !== 'invisible') return <bdi>{only?.text}</bdi>;
  return (
    <bdi>
      {parts.map((part, index) =>
        part.kind === 'text' ? (
          part.text
        ) : (
          <mark
            // biome-ignore lint/suspicious/noArrayIndexKey: Parts have no other name than their place.
            key={index}
            title={t('content.invisible', { code: part.code })}
            className="rounded-sm bg-danger-soft px-0.5 font-mono text-[0.85em] text-danger"
          >
            {part.code}
          </mark>
        ),
      )}
    </bdi>
  );
}
