import { lazy, memo, Suspense, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { startOf } from './bounds.ts';
import { markDeceiving } from './invisible.ts';
import { isOverdone } from './markdown-limits.ts';
import { PlainOnError } from './plain-on-error.tsx';

export type MarkdownProps = { text: string; isStreaming?: boolean };

const MarkdownBody = lazy(async () => ({ default: (await import('./markdown-body.tsx')).MarkdownBody }));

const FIRST = { lines: 1_500, characters: 60_000 };
const STEP = 4;

/** What agents write: prose with code. Plain until the part that reads Markdown has come, and where it cannot. */
export const Markdown = memo(function Markdown({ text, isStreaming = false }: MarkdownProps) {
  const { t } = useLocale();
  const [bounds, setBounds] = useState(FIRST);
  const head = startOf(text, bounds);
  const shown = useMemo(() => markDeceiving(head), [head]);
  const plain = <p className="whitespace-pre-wrap">{shown}</p>;
  return (
    <div dir="auto" className="min-w-0 break-words leading-relaxed">
      {isOverdone(shown) ? (
        plain
      ) : (
        <PlainOnError plain={plain}>
          <Suspense fallback={<div data-loading="">{plain}</div>}>
            <MarkdownBody text={shown} isStreaming={isStreaming} />
          </Suspense>
        </PlainOnError>
      )}
      {head.length < text.length && (
        <Button
          kind="quiet"
          size="small"
          onClick={() => setBounds({ lines: bounds.lines * STEP, characters: bounds.characters * STEP })}
        >
          {t('common.showMore')}
        </Button>
      )}
    </div>
  );
});
