import { lazy, memo, Suspense, useMemo, useState } from 'react';
import { formatCount } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { endOf, startOf } from './bounds.ts';
import { markDeceiving } from './invisible.ts';
import { isOverdone } from './markdown-limits.ts';
import { PlainOnError } from './plain-on-error.tsx';

export type MarkdownProps = { text: string; isStreaming?: boolean };

const MarkdownBody = lazy(async () => ({ default: (await import('./markdown-body.tsx')).MarkdownBody }));

const FIRST = { lines: 500, characters: 30_000 };
const STEP = 2;

/**
 * What agents write: prose with code. Plain until the part that reads Markdown has come, and where it cannot. Of a long
 * text the beginning, and more step by step; while it is written its end, which is what matters then.
 */
export const Markdown = memo(function Markdown({ text, isStreaming = false }: MarkdownProps) {
  const { t, locale } = useLocale();
  const [bounds, setBounds] = useState(FIRST);
  const piece = isStreaming ? endOf(text, bounds) : startOf(text, bounds);
  const left = text.length - piece.length;
  const shown = useMemo(() => markDeceiving(piece), [piece]);
  const body = isStreaming && left > 0 ? `…${shown}` : shown;
  return (
    <div dir="auto" className="min-w-0 break-words leading-relaxed">
      <Body text={body} isStreaming={isStreaming} />
      {left > 0 && !isStreaming && (
        <Button
          size="small"
          onClick={() => setBounds({ lines: bounds.lines * STEP, characters: bounds.characters * STEP })}
        >
          {t('transcript.showMore', { left: formatCount(left, locale) })}
        </Button>
      )}
    </div>
  );
});

function Body({ text, isStreaming }: { text: string; isStreaming: boolean }) {
  const { t } = useLocale();
  const plain = <p className="whitespace-pre-wrap">{text}</p>;
  if (isOverdone(text)) {
    return (
      <>
        <p className="text-muted text-xs">{t('content.asWritten')}</p>
        {plain}
      </>
    );
  }
  return (
    <PlainOnError plain={plain}>
      <Suspense fallback={<div data-loading="">{plain}</div>}>
        <MarkdownBody text={text} isStreaming={isStreaming} />
      </Suspense>
    </PlainOnError>
  );
}
