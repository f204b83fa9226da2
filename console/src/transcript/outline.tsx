import { ListTree } from 'lucide-react';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import type { PromptItem } from '../log/item.ts';
import type { SessionLog } from '../log/session-log.ts';
import { Button } from '../ui/button.tsx';
import { Popover } from '../ui/popover.tsx';
import { TextField } from '../ui/text-field.tsx';
import { LoadAll } from './load-all.tsx';
import { useOrder } from './use-log.ts';

/** More are found by their words. */
const SHOWN = 300;

/** What was asked in the session, to jump there. */
export function Outline({ log, onJump }: { log: SessionLog; onJump: (key: string) => void }) {
  const { t } = useLocale();
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover
      title={t('transcript.outline')}
      isOpen={isOpen}
      onOpenChange={setOpen}
      trigger={
        <Button kind="quiet" size="small">
          <ListTree aria-hidden />
          {t('transcript.outline')}
        </Button>
      }
    >
      <PromptList
        log={log}
        onJump={(key) => {
          setOpen(false);
          onJump(key);
        }}
      />
    </Popover>
  );
}

function PromptList({ log, onJump }: { log: SessionLog; onJump: (key: string) => void }) {
  const { t } = useLocale();
  const [words, setWords] = useState('');
  const order = useOrder(log, '');
  const prompts = order.flatMap((key) => {
    const item = log.items.get(key);
    return item?.kind === 'prompt' && hasWords(item, words) ? [item] : [];
  });
  return (
    <div className="flex flex-col gap-2">
      <TextField
        type="search"
        aria-label={t('transcript.filterPrompts')}
        placeholder={t('transcript.filterPrompts')}
        value={words}
        onChange={(event) => setWords(event.target.value)}
      />
      <LoadAll log={log} />
      {prompts.length === 0 && <p className="text-[13px] text-muted">{t('transcript.noPrompts')}</p>}
      <ol className="flex flex-col">
        {prompts.slice(-SHOWN).map((item) => (
          <li key={item.key}>
            <button
              type="button"
              onClick={() => onJump(item.key)}
              className="flex w-full items-baseline gap-2 rounded-md px-2 py-1 text-left text-[13px] hover:bg-hover coarse:min-h-11"
            >
              <span className="shrink-0 text-faint text-xs tabular-nums">{item.turn}</span>
              <bdi className="min-w-0 truncate">{lineOf(item) || t('transcript.images')}</bdi>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

const LINE = 160;

function lineOf({ text }: PromptItem): string {
  return text.slice(0, LINE).toWellFormed().replace(/\s+/g, ' ').trim();
}

function hasWords({ text }: PromptItem, words: string): boolean {
  return text.slice(0, 10_000).toLowerCase().includes(words.trim().toLowerCase());
}
