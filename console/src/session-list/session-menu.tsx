import type { SessionSummary } from '@greenroom/client';
import { Ellipsis } from 'lucide-react';
import { lazy } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { titleOf } from '../live/session-title.ts';
import { Button } from '../ui/button.tsx';
import { Menu } from '../ui/menu.tsx';
import type { Asked } from './session-list.tsx';

const SessionMenuItems = lazy(async () => ({
  default: (await import('./session-menu-items.tsx')).SessionMenuItems,
}));

export type SessionMenuProps = { summary: SessionSummary; onAsk: (asked: Asked) => void };

/** What can be done with one session. */
export function SessionMenu({ summary, onAsk }: SessionMenuProps) {
  const { t } = useLocale();
  const title = titleOf(summary) ?? t('sessions.untitled');
  return (
    <Menu
      trigger={
        <Button kind="quiet" size="iconSmall" aria-label={t('sessions.actionsOf', { title })}>
          <Ellipsis aria-hidden />
        </Button>
      }
    >
      <SessionMenuItems summary={summary} onAsk={onAsk} />
    </Menu>
  );
}
