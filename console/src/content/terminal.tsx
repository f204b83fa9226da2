import { type CSSProperties, memo, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { type AnsiSpan, readAnsi, stripAnsi } from './ansi.ts';
import { lastLines } from './bounds.ts';
import { SafeText } from './safe-text.tsx';
import { ScrollRegion } from './scroll-region.tsx';
import { ShowMore } from './show-more.tsx';

export type TerminalProps = { text: string; maxLines?: number; label?: string; tone?: 'plain' | 'error' };

/** What a program wrote, with its colours; its end first, for there it says what came of it. */
export const Terminal = memo(function Terminal({
  text,
  maxLines = 14,
  label,
  tone = 'plain',
}: TerminalProps) {
  const { t } = useLocale();
  const [max, setMax] = useState(maxLines);
  const excerpt = useMemo(() => lastLines(text, max), [text, max]);
  const lines = useMemo(() => readAnsi(excerpt.text), [excerpt]);
  return (
    <div className="group/code relative min-w-0">
      <div className="absolute top-1 right-1 z-10 rounded-md bg-panel opacity-0 focus-within:opacity-100 group-hover/code:opacity-100 coarse:opacity-100">
        <CopyButton text={() => stripAnsi(text)} />
      </div>
      {excerpt.hiddenLines > 0 && (
        <ShowMore isAbove count={excerpt.hiddenLines} onShow={() => setMax(max * 20)} />
      )}
      <ScrollRegion label={label ?? t('tool.output')} dir="ltr">
        <pre
          className={cn(
            'w-max min-w-full whitespace-pre px-3 py-2 font-mono text-[12.5px] leading-[1.55]',
            // How light a colour of the program may be, and how dark, to be read on this ground.
            '[--ansi-darkest:0] [--ansi-lightest:0.5] dark:[--ansi-darkest:0.72] dark:[--ansi-lightest:1]',
            tone === 'error' && 'text-danger',
          )}
        >
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: Lines have no other name than their place.
            <div key={index} className="min-h-[1.55em]">
              {line.map((span, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: Spans have no other name than their place.
                <TerminalSpan key={place} span={span} />
              ))}
            </div>
          ))}
        </pre>
      </ScrollRegion>
    </div>
  );
});

function TerminalSpan({ span }: { span: AnsiSpan }) {
  return (
    <span
      className={cn(
        span.isBold && 'font-bold',
        span.isDim && span.color === null && 'text-muted',
        span.isItalic && 'italic',
        span.isUnderlined && 'underline',
        span.isStruck && 'line-through',
        span.isReversed && 'bg-ink text-panel',
      )}
      style={coloursOf(span)}
    >
      <SafeText text={span.text} />
    </span>
  );
}

function coloursOf({ color, background }: AnsiSpan): CSSProperties | undefined {
  if (background !== null) return { backgroundColor: `rgb(${background})`, color: `rgb(${color})` };
  if (color === null) return undefined;
  return { color: `oklch(from rgb(${color}) clamp(var(--ansi-darkest), l, var(--ansi-lightest)) c h)` };
}
