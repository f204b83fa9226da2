import { useState } from 'react';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';

/** Longer commands are shown in part, which is said: whoever allows one must be able to see all of it. */
const SHOWN = 20_000;

/** A command in full: every line of it, long ones in several rows, what cannot be seen by its code. */
export function CommandText({ text }: { text: string }) {
  const { t } = useLocale();
  const [isWhole, setWhole] = useState(text.length <= SHOWN);
  return (
    <div className="relative rounded-md border bg-raised">
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keyboard.
        tabIndex={0}
        aria-label={t('approval.exactly')}
        dir="ltr"
        className="max-h-[45dvh] overflow-auto px-3 py-2 pr-11 coarse:min-h-13 coarse:py-3.5"
      >
        <pre className="whitespace-pre-wrap break-all font-mono text-[12.5px] leading-relaxed [font-variant-ligatures:none]">
          <SafeText text={isWhole ? text : text.slice(0, SHOWN)} />
        </pre>
      </section>
      <div className="absolute top-1 right-1">
        <CopyButton text={text} />
      </div>
      {!isWhole && (
        <p className="flex flex-wrap items-center gap-3 border-t px-3 py-2 text-danger text-xs">
          {t('approval.moreCharacters', { count: text.length - SHOWN })}
          <Button size="small" onClick={() => setWhole(true)}>
            {t('common.showMore')}
          </Button>
        </p>
      )}
    </div>
  );
}
