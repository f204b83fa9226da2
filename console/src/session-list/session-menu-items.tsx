import { useNavigate } from '@tanstack/react-router';
import {
  Archive,
  ArchiveRestore,
  CircleStop,
  Mail,
  MailOpen,
  PanelRightOpen,
  Pencil,
  Pin,
  PinOff,
  Trash2,
} from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import { MenuItem, MenuSeparator } from '../ui/menu.tsx';
import { touches } from './bulk.ts';
import { setArchived, setPinned, setUnread } from './session-acts.ts';
import type { SessionMenuProps } from './session-menu.tsx';

export function SessionMenuItems({ summary, onAsk }: SessionMenuProps) {
  const { t } = useLocale();
  const navigate = useNavigate();
  const { session_id: id, pinned, archived, state } = summary;
  const isUnread = state === 'unread';
  return (
    <>
      <MenuItem
        icon={<PanelRightOpen aria-hidden />}
        onSelect={() => void navigate({ to: '/sessions/$sessionId', params: { sessionId: id } })}
      >
        {t('sessions.open')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem
        icon={pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
        onSelect={() => void setPinned(summary, !pinned)}
      >
        {t(pinned ? 'sessions.unpin' : 'sessions.pin')}
      </MenuItem>
      <MenuItem
        icon={isUnread ? <MailOpen aria-hidden /> : <Mail aria-hidden />}
        isDisabled={!isUnread && state !== 'idle'}
        onSelect={() => void setUnread(summary, !isUnread)}
      >
        {t(isUnread ? 'sessions.markRead' : 'sessions.markUnread')}
      </MenuItem>
      <MenuItem icon={<Pencil aria-hidden />} onSelect={() => onAsk({ act: 'rename', id })}>
        {t('sessions.rename')}
      </MenuItem>
      <MenuItem
        icon={archived ? <ArchiveRestore aria-hidden /> : <Archive aria-hidden />}
        onSelect={() => void setArchived(summary, !archived)}
      >
        {t(archived ? 'sessions.unarchive' : 'sessions.archive')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem
        icon={<CircleStop aria-hidden />}
        isDisabled={!touches('cancel', summary)}
        onSelect={() => onAsk({ act: 'cancel', ids: [id] })}
      >
        {t('sessions.cancel')}
      </MenuItem>
      <MenuItem
        icon={<Trash2 aria-hidden />}
        isDangerous
        isDisabled={!touches('delete', summary)}
        onSelect={() => onAsk({ act: 'delete', ids: [id] })}
      >
        {t('sessions.delete')}
      </MenuItem>
    </>
  );
}
