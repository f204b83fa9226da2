import { memo, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { firstLines } from './bounds.ts';
import { CodeLine } from './code-line.tsx';
import type { Language } from './language.ts';
import { ScrollRegion } from './scroll-region.tsx';
import { ShowMore } from './show-more.tsx';
import { useHighlight } from './use-highlight.ts';

export type CodeProps = {
  text: string;
  language?: Language | null;
  /** Lines that are shown at first; each "show more" shows ten times as many. */
  maxLines?: number;
  /** What it is, for those who do not see it. */
  label?: string;
  /** With numbers beside the lines, from this one on. */
  startLine?: number;
  /** Long lines go on in the next row. */
  isWrapped?: boolean;
  /** Within another frame. */
  isBare?: boolean;
};

/** Text of a program: coloured, copied whole, shown in part where it is long. */
export const Code = memo(function Code({ text, language = null, maxLines = 40, ...look }: CodeProps) {
  const { t } = useLocale();
  const [max, setMax] = useState(maxLines);
  const shown = useMemo(() => firstLines(text, max), [text, max]);
  return (
    <div
      className={cn(
        'group/code relative min-w-0',
        look.isBare !== true && 'overflow-hidden rounded-md border bg-raised',
      )}
    >
      <div className="absolute top-1 right-1 z-10 rounded-md bg-raised opacity-0 focus-within:opacity-100 group-hover/code:opacity-100 coarse:opacity-100">
        <CopyButton text={text} />
      </div>
      <CodeBody text={shown.text} language={language} label={look.label ?? t('content.code')} {...look} />
      {shown.hiddenLines > 0 && <ShowMore count={shown.hiddenLines} onShow={() => setMax(max * 10)} />}
    </div>
  );
});

type CodeBodyProps = Omit<CodeProps, 'label' | 'language'> & { label: string; language: Language | null };

function CodeBody({ text, language, label, startLine, isWrapped }: CodeBodyProps) {
  const tokens = useHighlight(text, language);
  const lines = text.split(/\r?\n/);
  return (
    <ScrollRegion label={label} dir="ltr">
      <pre
        className={cn(
          'px-3 py-2 font-mono text-[12.5px] leading-[1.6]',
          isWrapped ? 'whitespace-pre-wrap break-words' : 'w-max min-w-full whitespace-pre',
        )}
      >
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Lines have no other name than their place.
          <div key={index} className="flex min-h-[1.6em]">
            {startLine !== undefined && (
              <span
                aria-hidden
                className="mr-4 shrink-0 select-none text-right text-faint"
                style={widthOf(startLine + lines.length)}
              >
                {startLine + index}
              </span>
            )}
            <code className={isWrapped ? 'min-w-0' : undefined}>
              <CodeLine text={line} tokens={tokens?.[index]} />
            </code>
          </div>
        ))}
      </pre>
    </ScrollRegion>
  );
}

function widthOf(lastNumber: number): { width: string } {
  return { width: `${String(lastNumber).length}ch` };
}
