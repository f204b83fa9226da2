import {
  Archive,
  ArchiveRestore,
  CircleStop,
  Code,
  Copy,
  Download,
  Ellipsis,
  GitFork,
  History,
  Link2,
  Mail,
  Pencil,
  Pin,
  PinOff,
  Play,
  Trash2,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { sayFailure, stopSession } from '../composer/send.ts';
import { useStanding } from '../composer/use-standing.ts';
import { useLocale } from '../i18n/locale.ts';
import { asked } from '../log/asked.ts';
import { setArchived, setPinned, setUnread } from '../session-list/session-acts.ts';
import { Button } from '../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx';
import { toasts } from '../ui/toast.tsx';
import { copyText } from '../util/copy-text.ts';
import { exportJsonLines, exportMarkdown } from './export-session.ts';
import { useOwnSummary } from './use-own-summary.ts';

export type SessionActsProps = { sessionId: string; title: string | null; onRename: () => void };

/** All that can be done with the session. */
export function SessionActs(props: SessionActsProps) {
  const { t } = useLocale();
  return (
    <Menu
      trigger={
        <Button kind="quiet" size="iconSmall" aria-label={t('acts.more')}>
          <Ellipsis aria-hidden />
        </Button>
      }
    >
      <RunActs {...props} />
      <MenuSeparator />
      <MarkActs {...props} />
      <MenuSeparator />
      <TakeAwayActs {...props} />
      <MenuSeparator />
      <DeleteAct {...props} />
    </Menu>
  );
}

function Item({ icon, onSelect, children }: { icon: ReactNode; onSelect: () => void; children: ReactNode }) {
  return (
    <MenuItem icon={icon} onSelect={onSelect}>
      {children}
    </MenuItem>
  );
}

function RunActs({ sessionId }: SessionActsProps) {
  const { t } = useLocale();
  const standing = useStanding(sessionId);
  // After the menu has given the focus back.
  const resume = (): void => void setTimeout(() => document.getElementById('composer')?.focus());
  return (
    <>
      {standing === 'idle' ? (
        <Item icon={<Play aria-hidden />} onSelect={resume}>
          {t('acts.resume')}
        </Item>
      ) : (
        <Item icon={<CircleStop aria-hidden />} onSelect={() => void stopSession(sessionId, 'cancel')}>
          {t('acts.cancel')}
        </Item>
      )}
      <Item
        icon={<GitFork aria-hidden />}
        onSelect={() => asked.set({ act: 'fork', sessionId, at: null, prompt: '' })}
      >
        {t('acts.fork.menu')}
      </Item>
      <Item icon={<History aria-hidden />} onSelect={() => asked.set({ act: 'rewind', sessionId, to: null })}>
        {t('acts.rewind.open')}
      </Item>
    </>
  );
}

function MarkActs({ sessionId, onRename }: SessionActsProps) {
  const { t } = useLocale();
  const summary = useOwnSummary(sessionId);
  const rename = (): void => void setTimeout(onRename);
  return (
    <>
      <Item icon={<Pencil aria-hidden />} onSelect={rename}>
        {t('sessions.rename')}
      </Item>
      {summary !== undefined && (
        <>
          <Item
            icon={summary.pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />}
            onSelect={() => void setPinned(summary, !summary.pinned)}
          >
            {t(summary.pinned ? 'sessions.unpin' : 'sessions.pin')}
          </Item>
          <Item
            icon={summary.archived ? <ArchiveRestore aria-hidden /> : <Archive aria-hidden />}
            onSelect={() => void setArchived(summary, !summary.archived)}
          >
            {t(summary.archived ? 'sessions.unarchive' : 'sessions.archive')}
          </Item>
          <Item icon={<Mail aria-hidden />} onSelect={() => void setUnread(summary, true)}>
            {t('sessions.markUnread')}
          </Item>
        </>
      )}
    </>
  );
}

function TakeAwayActs({ sessionId, title }: SessionActsProps) {
  const { t } = useLocale();
  const session = { id: sessionId, title };
  const save = (work: () => Promise<void>) => () => {
    toasts.add({ title: t('acts.export.begun') });
    work().catch((error: unknown) => sayFailure('acts.export.failed', error));
  };
  const copy = (text: string) => () => {
    copyText(text).then(
      () => toasts.add({ title: t('common.copied') }),
      (error: unknown) => sayFailure('acts.copyFailed', error),
    );
  };
  return (
    <>
      <Item icon={<Download aria-hidden />} onSelect={save(async () => await exportMarkdown(session))}>
        {t('acts.export.markdown')}
      </Item>
      <Item icon={<Download aria-hidden />} onSelect={save(async () => await exportJsonLines(session))}>
        {t('acts.export.jsonLines')}
      </Item>
      <Item icon={<Link2 aria-hidden />} onSelect={copy(location.href.replace(/[?#].*$/, ''))}>
        {t('acts.copyLink')}
      </Item>
      <Item icon={<Copy aria-hidden />} onSelect={copy(sessionId)}>
        {t('acts.copyId')}
      </Item>
      <Item icon={<Code aria-hidden />} onSelect={() => asked.set({ act: 'snippet', sessionId })}>
        {t('acts.snippet.open')}
      </Item>
    </>
  );
}

function DeleteAct({ sessionId }: SessionActsProps) {
  const { t } = useLocale();
  const standing = useStanding(sessionId);
  return (
    <MenuItem
      icon={<Trash2 aria-hidden />}
      isDangerous
      isDisabled={standing !== 'idle'}
      onSelect={() => asked.set({ act: 'delete', sessionId })}
    >
      {t('sessions.delete')}
    </MenuItem>
  );
}
