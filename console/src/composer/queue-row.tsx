import type { Turn } from '@greenroom/client';
import {
  ArrowDown,
  ArrowUp,
  CornerDownRight,
  Ellipsis,
  GripVertical,
  ListPlus,
  OctagonPause,
  Pencil,
  Trash2,
} from 'lucide-react';
import type { KeyboardEvent } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx';
import { Tooltip } from '../ui/tooltip.tsx';
import type { Standing } from './act.ts';
import { edited } from './drafts.ts';
import { ImageCount } from './image-count.tsx';
import { moveBy } from './moves.ts';
import { firstLine } from './outbox-list.tsx';
import type { QueueActs } from './use-queue-acts.ts';

export type QueueRowProps = {
  sessionId: string;
  message: Turn;
  queue: readonly Turn[];
  standing: Standing;
  acts: QueueActs;
  onDrag: () => void;
};

/** One message that waits. One that the agent has got already cannot be changed any more. */
export function QueueRow(props: QueueRowProps) {
  const { t } = useLocale();
  const { message } = props;
  const { prompt, delivery, sent_at: sentAt, content } = message;
  const images = (content ?? []).filter((block) => block.type === 'image').length;
  return (
    <div className="flex min-h-9 items-center gap-2 py-0.5 pr-1 pl-1 text-[13px]">
      {sentAt === null ? <Grip {...props} /> : <span className="w-6" />}
      <Badge tone={delivery === 'interrupt' ? 'danger' : delivery === 'steer' ? 'accent' : 'plain'}>
        {t(sentAt === null ? `composer.queue.delivery.${delivery}` : 'composer.queue.handed')}
      </Badge>
      <span dir="auto" title={prompt.slice(0, 1_000)} className="min-w-0 flex-1 truncate">
        {firstLine(prompt)}
      </span>
      <ImageCount count={images} />
      {sentAt === null && <RowActs {...props} />}
    </div>
  );
}

/** Dragged with the mouse; with the keyboard its arrows do the same. */
function Grip({ message, queue, acts, onDrag }: QueueRowProps) {
  const { t } = useLocale();
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    acts.move(message.turn_id, moveBy(queue, message.turn_id, event.key === 'ArrowUp' ? -1 : 1));
  };
  return (
    <button
      type="button"
      draggable
      title={t('composer.queue.gripHint')}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = 'move';
        event.dataTransfer.setData('text/plain', message.prompt);
        onDrag();
      }}
      onKeyDown={press}
      aria-label={t('composer.queue.grip')}
      className="flex h-7 w-6 shrink-0 cursor-grab items-center justify-center rounded text-faint hover:bg-hover coarse:hidden"
    >
      <GripVertical aria-hidden className="size-4" />
    </button>
  );
}

function RowActs({ sessionId, message, queue, standing, acts }: QueueRowProps) {
  const { t } = useLocale();
  const { turn_id: id, prompt, delivery } = message;
  const edit = (): void => edited.change(sessionId, () => ({ turnId: id, before: prompt, text: prompt }));
  const canSteer = standing === 'running' && delivery !== 'steer';
  const move = (by: -1 | 1) => moveBy(queue, id, by);
  return (
    <span className="flex shrink-0">
      {canSteer && (
        <Tooltip text={t('composer.queue.sendNow')}>
          <Button
            kind="quiet"
            size="iconSmall"
            className="hidden sm:inline-flex"
            aria-label={t('composer.queue.sendNow')}
            onClick={() => acts.deliver(id, 'steer')}
          >
            <CornerDownRight aria-hidden />
          </Button>
        </Tooltip>
      )}
      <Button kind="quiet" size="iconSmall" aria-label={t('composer.queue.edit')} onClick={edit}>
        <Pencil aria-hidden />
      </Button>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('composer.queue.remove')}
        onClick={() => acts.remove(id)}
      >
        <Trash2 aria-hidden />
      </Button>
      <Menu
        trigger={
          <Button kind="quiet" size="iconSmall" aria-label={t('composer.queue.more')}>
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        {canSteer && (
          <MenuItem icon={<CornerDownRight aria-hidden />} onSelect={() => acts.deliver(id, 'steer')}>
            {t('composer.queue.sendNow')}
          </MenuItem>
        )}
        {standing === 'running' && delivery !== 'interrupt' && (
          <MenuItem icon={<OctagonPause aria-hidden />} onSelect={() => acts.deliver(id, 'interrupt')}>
            {t('composer.queue.interruptWith')}
          </MenuItem>
        )}
        {delivery !== 'queue' && (
          <MenuItem icon={<ListPlus aria-hidden />} onSelect={() => acts.deliver(id, 'queue')}>
            {t('composer.queue.putBack')}
          </MenuItem>
        )}
        {(canSteer || delivery !== 'queue' || standing === 'running') && <MenuSeparator />}
        <MenuItem
          icon={<ArrowUp aria-hidden />}
          isDisabled={move(-1) === null}
          onSelect={() => acts.move(id, move(-1))}
        >
          {t('composer.queue.up')}
        </MenuItem>
        <MenuItem
          icon={<ArrowDown aria-hidden />}
          isDisabled={move(1) === null}
          onSelect={() => acts.move(id, move(1))}
        >
          {t('composer.queue.down')}
        </MenuItem>
      </Menu>
    </span>
  );
}
