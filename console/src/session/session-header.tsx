import { getRouteApi } from '@tanstack/react-router';
import { GitFork, OctagonPause, PanelRight } from 'lucide-react';
import { useState } from 'react';
import { useSession } from '../api/use-session.ts';
import { usePageTitle } from '../attention/page-title.tsx';
import { stopSession } from '../composer/send.ts';
import { useStanding } from '../composer/use-standing.ts';
import { useLocale } from '../i18n/locale.ts';
import { asked } from '../log/asked.ts';
import { SessionStateBadge } from '../session-list/session-state-badge.tsx';
import { Button } from '../ui/button.tsx';
import { useStore } from '../util/store.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { ForkDialog } from './fork-dialog.tsx';
import { RewindDialog } from './rewind-dialog.tsx';
import { SessionActs } from './session-acts.tsx';
import { SessionTitle } from './session-title.tsx';
import { SnippetDialog } from './snippet-dialog.tsx';
import { useOwnSummary } from './use-own-summary.ts';

const route = getRouteApi('/sessions/$sessionId');

/** How the session stands, what it is called, and what can be done with all of it. */
export function SessionHeader({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const navigate = route.useNavigate();
  const { data: session } = useSession(sessionId);
  const summary = useOwnSummary(sessionId);
  const [isRenaming, setRenaming] = useState(false);
  const title = nameOf(session?.title ?? null, summary?.prompt ?? session?.turns[0]?.prompt ?? null);
  usePageTitle(title ?? t('session.title'));
  return (
    <header className="flex min-h-12 shrink-0 items-center gap-2 border-b bg-panel px-3 py-1.5">
      <span className="shrink-0 max-sm:max-w-28 max-sm:overflow-hidden">
        {summary !== undefined && <SessionStateBadge state={summary.state} status={summary.status} />}
      </span>
      <SessionTitle
        sessionId={sessionId}
        title={title}
        own={session?.title ?? null}
        isRenaming={isRenaming}
        onRename={setRenaming}
      />
      <InterruptButton sessionId={sessionId} />
      <Button
        size="small"
        className="max-sm:hidden"
        onClick={() => asked.set({ act: 'fork', sessionId, at: null, prompt: '' })}
      >
        <GitFork aria-hidden />
        {t('acts.fork.short')}
      </Button>
      <SessionActs sessionId={sessionId} title={title} onRename={() => setRenaming(true)} />
      <Button
        kind="quiet"
        size="iconSmall"
        className="xl:hidden"
        aria-label={t('acts.panels')}
        onClick={() => void navigate({ search: (now) => ({ ...now, panel: 'overview' }) })}
      >
        <PanelRight aria-hidden />
      </Button>
      <Dialogs sessionId={sessionId} />
    </header>
  );
}

function nameOf(title: string | null, prompt: string | null): string | null {
  const name = [title, prompt].find((text) => text !== null && text.trim() !== '') ?? null;
  return name === null ? null : name.slice(0, 200).replace(/\s+/g, ' ').trim();
}

/** The same as Stop beside the text area; on phones that one is enough. */
function InterruptButton({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const standing = useStanding(sessionId);
  const [isStopping, setStopping] = useState(false);
  if (standing === 'idle') return null;
  const stop = async (): Promise<void> => {
    setStopping(true);
    await stopSession(sessionId);
    setStopping(false);
  };
  return (
    <Button size="small" className="max-sm:hidden" disabled={isStopping} onClick={() => void stop()}>
      <OctagonPause aria-hidden />
      {t('acts.interrupt')}
    </Button>
  );
}

function Dialogs({ sessionId }: { sessionId: string }) {
  const now = useStore(asked);
  if (now?.sessionId !== sessionId) return null;
  const close = (): void => asked.set(null);
  switch (now.act) {
    case 'fork':
      return <ForkDialog sessionId={sessionId} at={now.at} prompt={now.prompt} onClose={close} />;
    case 'rewind':
      return <RewindDialog sessionId={sessionId} to={now.to} onClose={close} />;
    case 'delete':
      return <DeleteDialog sessionId={sessionId} onClose={close} />;
    case 'snippet':
      return <SnippetDialog sessionId={sessionId} onClose={close} />;
    default:
      return now satisfies never;
  }
}
