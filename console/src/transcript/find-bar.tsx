import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import type { SessionLog } from '../log/session-log.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/text-field.tsx';
import { useStore } from '../util/store.ts';
import { findItems } from './find.ts';
import { LoadAll } from './load-all.tsx';
import { useOrder } from './use-log.ts';

export type FindBarProps = {
  log: SessionLog;
  list: string;
  onFind: (key: string | null) => void;
  onClose: () => void;
};

/** Finds in all that is loaded of the transcript, also in what is folded or scrolled away. */
export function FindBar({ log, list, onFind, onClose }: FindBarProps) {
  const { t } = useLocale();
  const field = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState('');
  const { found, at, go } = useFound({ log, list, words, onFind });
  useEffect(() => field.current?.focus(), []);
  const onKey = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') onClose();
    else if (event.key === 'Enter') go(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a search element is no form either
    <div role="search" className="flex min-w-0 flex-1 flex-wrap items-center gap-1">
      <TextField
        ref={field}
        type="search"
        value={words}
        aria-label={t('transcript.find')}
        placeholder={t('transcript.find')}
        onChange={(event) => setWords(event.target.value)}
        onKeyDown={onKey}
        className="h-7 w-40 min-w-0 flex-1 sm:max-w-72"
      />
      <span role="status" className="min-w-14 px-1 text-muted text-xs tabular-nums">
        {words.trim() !== '' && t('transcript.found', { at: at + 1, count: found.length })}
      </span>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('transcript.previous')}
        disabled={found.length === 0}
        onClick={() => go(-1)}
      >
        <ChevronUp aria-hidden />
      </Button>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('transcript.next')}
        disabled={found.length === 0}
        onClick={() => go(1)}
      >
        <ChevronDown aria-hidden />
      </Button>
      <OnlyLoaded log={log} />
      <Button kind="quiet" size="iconSmall" aria-label={t('common.close')} onClick={onClose}>
        <X aria-hidden />
      </Button>
    </div>
  );
}

/** What was found, newest first looked at: that is where the reader is. */
function useFound({ log, list, words, onFind }: Omit<FindBarProps, 'onClose'> & { words: string }) {
  const order = useOrder(log, list);
  const wanted = useDeferredValue(words);
  const found = useMemo(() => findItems(order, log.items.get.bind(log.items), wanted), [log, order, wanted]);
  const [key, setKey] = useState<string | null>(null);
  const show = (next: string | null): void => {
    setKey(next);
    onFind(next);
  };
  const at = key === null ? -1 : found.indexOf(key);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other words begin anew, more rows do not
  useEffect(() => show(found.at(-1) ?? null), [wanted]);
  const go = (step: number): void => {
    if (found.length === 0) return;
    show(found[(at + step + found.length) % found.length] ?? null);
  };
  return { found, at, go };
}

function OnlyLoaded({ log }: { log: SessionLog }) {
  const { t } = useLocale();
  const older = useStore(log.older);
  if (older.name === 'none') return null;
  return (
    <span className="flex items-center gap-1 text-muted text-xs">
      <span className="hidden sm:inline">{t('transcript.onlyLoaded')}</span>
      <LoadAll log={log} kind="quiet" />
    </span>
  );
}
