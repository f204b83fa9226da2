import { ChevronRight } from 'lucide-react';
import { memo, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { boundLine, countLines, oneLine } from './bounds.ts';
import { Code } from './code.tsx';
import { entriesOf, prettyJson, scalar, wholeJson } from './json-text.ts';
import { SafeText } from './safe-text.tsx';
import { Stepwise } from './stepwise.tsx';

const WHOLE_LINES = 60;
const ENTRIES_AT_ONCE = 100;
/** What has one part opens with it; not without end. */
const OPEN_DEPTH = 3;

/** Small values as they are; large ones as a tree whose parts open. */
export const JsonView = memo(function JsonView({ value, label }: { value: unknown; label?: string }) {
  const text = useMemo(() => prettyJson(value), [value]);
  if (countLines(text) <= WHOLE_LINES || typeof value !== 'object' || value === null) {
    return (
      <Code
        text={text}
        language="json"
        maxLines={WHOLE_LINES}
        isWrapped
        {...(label !== undefined && { label })}
      />
    );
  }
  return (
    <div className="group/code relative rounded-md border bg-raised px-2 py-1.5 font-mono text-[12.5px] leading-[1.6]">
      <div className="absolute top-1 right-1">
        <CopyButton text={() => wholeJson(value)} />
      </div>
      <JsonNode name={null} value={value} depth={0} isOpenAtFirst />
    </div>
  );
});

type JsonNodeProps = { name: string | null; value: unknown; depth: number; isOpenAtFirst: boolean };

function JsonNode({ name, value, depth, isOpenAtFirst }: JsonNodeProps) {
  const { t } = useLocale();
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  if (typeof value !== 'object' || value === null) return <JsonLeaf name={name} value={value} />;
  const count = entriesOf(value).length;
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex max-w-full items-center gap-1 rounded px-1 text-left hover:bg-hover coarse:min-h-11"
      >
        <ChevronRight aria-hidden className={cn('size-3 shrink-0 text-muted', isOpen && 'rotate-90')} />
        {name !== null && <KeyName name={name} />}
        <span className="shrink-0 text-muted">
          {t(Array.isArray(value) ? 'content.list' : 'content.fields', { count })}
        </span>
        {!isOpen && <Preview value={value} />}
      </button>
      {isOpen && <JsonEntries value={value} depth={depth} />}
    </div>
  );
}

/** What is in it, as far as a line goes. */
function Preview({ value }: { value: object }) {
  const text = oneLine(prettyJson(value, { depth: 2, entries: 8, characters: 60 }), 160);
  return (
    <span className="min-w-0 truncate text-faint">
      <SafeText text={text} />
    </span>
  );
}

function JsonEntries({ value, depth }: { value: object; depth: number }) {
  const entries = entriesOf(value);
  return (
    <div className="ml-2.5 border-l pl-2">
      <Stepwise entries={entries} atOnce={ENTRIES_AT_ONCE}>
        {(shown) =>
          shown.map(([key, child]) => (
            <JsonNode
              key={key}
              name={key}
              value={child}
              isOpenAtFirst={entries.length === 1 && depth < OPEN_DEPTH}
              depth={depth + 1}
            />
          ))
        }
      </Stepwise>
    </div>
  );
}

function JsonLeaf({ name, value }: { name: string | null; value: unknown }) {
  return (
    <div className="flex gap-1 px-1 pl-5">
      {name !== null && <KeyName name={name} />}
      <span className="min-w-0 whitespace-pre-wrap break-words">
        <SafeText text={boundLine(scalar(value))} />
      </span>
    </div>
  );
}

function KeyName({ name }: { name: string }) {
  return (
    <span className="max-w-60 shrink-0 truncate text-muted">
      <SafeText text={boundLine(name, 200)} />:
    </span>
  );
}
