import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { PendingApprovals } from '../approval/pending-approvals.tsx';
import { Composer } from '../composer/composer.tsx';
import { useLocale } from '../i18n/locale.ts';
import { MAIN } from '../log/item-lists.ts';
import type { SessionLog } from '../log/session-log.ts';
import { useSessionLog } from '../log/use-session-log.ts';
import { Panels } from '../panel/panels.tsx';
import { TranscriptBar } from '../transcript/transcript-bar.tsx';
import { TranscriptView } from '../transcript/transcript-view.tsx';
import { useOrder } from '../transcript/use-log.ts';
import { Dialog } from '../ui/dialog.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { useStore } from '../util/store.ts';
import { useMedia } from '../util/use-media.ts';
import { MarkRead } from './mark-read.ts';
import { DeletedNote, SessionMissing } from './session-gone.tsx';
import { SessionHeader } from './session-header.tsx';
import { SessionStanding } from './session-standing.tsx';

const route = getRouteApi('/sessions/$sessionId');

export function SessionPage() {
  const { sessionId } = route.useParams();
  return <OpenSession key={sessionId} sessionId={sessionId} />;
}

function OpenSession({ sessionId }: { sessionId: string }) {
  const log = useSessionLog(sessionId);
  const state = useStore(log.state);
  if (state.name === 'missing') return <SessionMissing />;
  const isDeleted = state.name === 'deleted';
  return (
    <div className="flex h-full">
      <MarkRead sessionId={sessionId} log={log} />
      <div className="flex min-w-0 flex-1 flex-col">
        <SessionHeader sessionId={sessionId} />
        {isDeleted && <DeletedNote />}
        <div className="flex min-h-0 flex-1 flex-col">
          <Talk sessionId={sessionId} log={log} />
        </div>
        {!isDeleted && <Below sessionId={sessionId} />}
      </div>
      <SidePanels sessionId={sessionId} />
    </div>
  );
}

/** What is asked of people, and what they say: as wide as the transcript, and never all of a small window. */
function Below({ sessionId }: { sessionId: string }) {
  return (
    <div className="flex max-h-[75%] shrink-0 flex-col overflow-y-auto pb-[env(safe-area-inset-bottom)]">
      <SessionStanding sessionId={sessionId} />
      <div className="mx-auto w-full max-w-3xl px-4 empty:hidden">
        <PendingApprovals sessionId={sessionId} />
      </div>
      <div className="mx-auto w-full max-w-3xl px-4 pb-3 empty:hidden">
        <Composer sessionId={sessionId} />
      </div>
    </div>
  );
}

function Talk({ sessionId, log }: { sessionId: string; log: SessionLog }) {
  const { t } = useLocale();
  const state = useStore(log.state);
  const { agent: list = MAIN } = route.useSearch();
  const [target, point] = useTarget(log, list);
  const isEmpty = useOrder(log, list).length === 0;
  if (state.name === 'loading') {
    return (
      <div className="p-6">
        <Spinner label={t('session.loading')} />
      </div>
    );
  }
  if (state.name === 'failed') {
    return (
      <div className="p-6">
        <ErrorNote error={state.error} onRetry={() => void log.load()} />
      </div>
    );
  }
  return (
    <>
      <TranscriptBar log={log} sessionId={sessionId} list={list} onPoint={point} />
      <div className="min-h-0 flex-1">
        {isEmpty && list !== MAIN ? (
          <EmptyState title={t('transcript.agentEmpty')} />
        ) : (
          <TranscriptView key={list} sessionId={sessionId} log={log} list={list} target={target} />
        )}
      </div>
    </>
  );
}

/** The row that is pointed at: by the address, by a search, or from the outline. */
function useTarget(log: SessionLog, list: string): [string | null, (key: string | null) => void] {
  const { at } = route.useSearch();
  const navigate = route.useNavigate();
  const isOpen = useStore(log.state).name === 'open';
  const [target, point] = useState<string | null>(null);
  useEffect(() => {
    if (at === undefined || !isOpen) return;
    let isWanted = true;
    void findRow(log, at).then((found) => {
      if (!isWanted || found === null) return;
      if (found.list !== list) {
        const agent = found.list === MAIN ? {} : { agent: found.list };
        void navigate({ search: ({ agent: _, ...rest }) => ({ ...rest, ...agent }), replace: true });
      }
      point(found.key);
    });
    return () => {
      isWanted = false;
    };
  }, [at, isOpen, log, list, navigate]);
  return [target, point];
}

async function findRow(log: SessionLog, seq: number): Promise<{ key: string; list: string } | null> {
  if (seq < log.first) await log.loadOlder(seq);
  const { lists } = log.transcript;
  const key = lists.keyAt(seq);
  const list = key === undefined ? undefined : lists.listOf(key);
  return key === undefined || list === undefined ? null : { key, list };
}

/** At the right where there is room, else over the page. */
function SidePanels({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { panel } = route.useSearch();
  const navigate = route.useNavigate();
  const isWide = useMedia('(min-width: 80rem)');
  if (isWide) {
    return (
      <aside aria-label={t('panel.label')} className="w-96 shrink-0 border-l bg-panel">
        <Panels sessionId={sessionId} />
      </aside>
    );
  }
  return (
    <Dialog
      place="side"
      isFlush
      isOpen={panel !== undefined}
      onClose={() => void navigate({ search: ({ panel: _, ...rest }) => rest })}
      title={t('panel.label')}
    >
      <Panels sessionId={sessionId} />
    </Dialog>
  );
}
