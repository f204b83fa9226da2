import { useState } from 'react';
import { markDeceiving } from '../content/invisible.ts';
import { formatCount } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { boundText } from '../log/bounded-text.ts';
import { Button } from '../ui/button.tsx';

const FIRST = { characters: 4_000, lines: 40 };
const MORE = { characters: 40_000, lines: 600 };

/** Words of any length and origin: in full when they are short, else step by step. */
export function LongText({ text }: { text: string }) {
  const { t, locale } = useLocale();
  const [steps, setSteps] = useState(0);
  const { shown, left } = boundText(text, {
    characters: FIRST.characters + steps * MORE.characters,
    lines: FIRST.lines + steps * MORE.lines,
  });
  return (
    <>
      <div dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
        {markDeceiving(shown)}
        {left > 0 && '…'}
      </div>
      {left > 0 && (
        <Button kind="quiet" size="small" onClick={() => setSteps(steps + 1)}>
          {t('transcript.showMore', { left: formatCount(left, locale) })}
        </Button>
      )}
    </>
  );
}
