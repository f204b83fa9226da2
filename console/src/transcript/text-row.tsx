import { useState } from 'react';
import { Markdown } from '../content/markdown.tsx';
import { formatCount } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { boundText } from './bounded-text.ts';
import type { TextItem } from './item.ts';
import { RowTools } from './row-tools.tsx';

/** What is laid out at once: an answer of a model is shorter, but what comes need not be one. */
const SHOWN = 60_000;

/** What the agent said. */
export function TextRow({ item }: { item: TextItem }) {
  const { t, locale } = useLocale();
  const [steps, setSteps] = useState(1);
  const { shown, left } = boundText(item.text, {
    characters: SHOWN * steps,
    lines: Number.POSITIVE_INFINITY,
  });
  // While it is written, the end is what matters.
  const text = item.isStreaming && left > 0 ? `…${item.text.slice(-SHOWN).toWellFormed()}` : shown;
  return (
    <div className="group/row" dir="auto">
      <Markdown text={text} isStreaming={item.isStreaming} />
      {left > 0 && !item.isStreaming && (
        <Button size="small" onClick={() => setSteps(steps + 1)}>
          {t('transcript.showMore', { left: formatCount(left, locale) })}
        </Button>
      )}
      {!item.isStreaming && (
        <div className="flex h-0 justify-end overflow-visible">
          <RowTools item={item} text={item.text} />
        </div>
      )}
    </div>
  );
}
