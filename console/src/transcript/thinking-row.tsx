import { Brain, ChevronRight } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import type { ThinkingItem } from '../log/item.ts';
import { cn } from '../ui/class-names.ts';
import { Elapsed } from '../ui/elapsed.tsx';
import { LongText } from './long-text.tsx';
import { useOpened } from './use-log.ts';

const PREVIEW = 200;

/** What the model thought: one line, all of it on demand. */
export function ThinkingRow({ item }: { item: ThinkingItem }) {
  const { t } = useLocale();
  const [isOpen, setOpen] = useOpened(item.key);
  const hasWords = item.text.trim() !== '';
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        disabled={!hasWords}
        onClick={() => setOpen(!isOpen)}
        className="flex h-8 w-full items-center gap-2 rounded-md px-2 text-left text-[13px] text-muted hover:bg-hover disabled:hover:bg-transparent coarse:h-11"
      >
        <Brain
          aria-hidden
          className={cn('size-4 shrink-0', item.isStreaming && 'animate-pulse text-accent')}
        />
        <span className="shrink-0">{t(item.isStreaming ? 'transcript.thinking' : 'transcript.thought')}</span>
        <bdi className="min-w-0 flex-1 truncate text-faint italic">{isOpen ? '' : previewOf(item)}</bdi>
        <span className="shrink-0 text-xs">
          <Elapsed from={item.at} to={item.endedAt} />
        </span>
        {hasWords && (
          <ChevronRight
            aria-hidden
            className={cn('size-4 shrink-0 transition-transform', isOpen && 'rotate-90')}
          />
        )}
      </button>
      {isOpen && (
        <div className="mt-1 ml-4 border-l-2 py-1 pl-4 text-[13px] text-muted">
          <LongText text={item.text} />
        </div>
      )}
    </div>
  );
}

/** Its beginning; while it is written, its end. */
function previewOf({ text, isStreaming }: ThinkingItem): string {
  const part = isStreaming ? text.slice(-PREVIEW) : text.slice(0, PREVIEW);
  return part.toWellFormed().replace(/\s+/g, ' ').trim();
}
