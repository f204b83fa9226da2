import { Ellipsis, GitFork, History } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import { asked } from '../log/asked.ts';
import { afterTurn, beforePrompt, turnAfter } from '../log/fork-point.ts';
import type { PromptItem, TranscriptItem, TurnEndItem } from '../log/item.ts';
import { MAIN } from '../log/item-lists.ts';
import { Button } from '../ui/button.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import { useShown } from './use-log.ts';

/** What a row is the place for: to fork from, or to put the files back to. */
export function RowActs({ item, text }: { item: TranscriptItem; text?: string | undefined }) {
  const { t } = useLocale();
  const { list } = useShown();
  const isPlace = item.kind === 'turn_end' || (item.kind === 'prompt' && item.state !== 'queued');
  if (!isPlace || list !== MAIN || item.seq === null) return null;
  return (
    <Menu
      trigger={
        <Button kind="quiet" size="iconSmall" aria-label={t('acts.ofRow')}>
          <Ellipsis aria-hidden />
        </Button>
      }
    >
      {item.kind === 'prompt' ? <PromptActs item={item} text={text ?? item.text} /> : <EndActs item={item} />}
    </Menu>
  );
}

function PromptActs({ item, text }: { item: PromptItem; text: string }) {
  const { t } = useLocale();
  const { sessionId } = useShown();
  const at = beforePrompt(item);
  const isTurn = item.state === 'started' && item.turnId !== null;
  return (
    <>
      <MenuItem
        icon={<GitFork aria-hidden />}
        isDisabled={at === null}
        onSelect={() => asked.set({ act: 'fork', sessionId, at, prompt: text })}
      >
        {t('acts.fork.before')}
      </MenuItem>
      <MenuItem
        icon={<History aria-hidden />}
        isDisabled={!isTurn}
        onSelect={() => asked.set({ act: 'rewind', sessionId, to: item.turnId })}
      >
        {t('acts.rewind.before')}
      </MenuItem>
    </>
  );
}

function EndActs({ item }: { item: TurnEndItem }) {
  const { t } = useLocale();
  const { sessionId, log } = useShown();
  const { events } = log.transcript;
  const next = turnAfter(events, item.seq ?? 0);
  return (
    <>
      <MenuItem
        icon={<GitFork aria-hidden />}
        onSelect={() => asked.set({ act: 'fork', sessionId, at: afterTurn(events, item), prompt: '' })}
      >
        {t('acts.fork.here')}
      </MenuItem>
      <MenuItem
        icon={<History aria-hidden />}
        isDisabled={next === null}
        onSelect={() => asked.set({ act: 'rewind', sessionId, to: next })}
      >
        {t('acts.rewind.here')}
      </MenuItem>
    </>
  );
}
