import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import type { Agent } from '../log/agents.ts';
import type { SessionLog } from '../log/session-log.ts';
import { searchOfAgent } from '../log/session-search.ts';
import { Elapsed } from '../ui/elapsed.tsx';
import { AgentStateMark, nameOf } from './agent-card.tsx';
import { StopAgent } from './stop-agent.tsx';
import { useAgent } from './use-log.ts';

/** Where one is when a subagent's transcript is shown, and the way back. */
export function AgentPath({ log, sessionId, list }: { log: SessionLog; sessionId: string; list: string }) {
  const { t } = useLocale();
  const agent = useAgent(log, list);
  return (
    <>
      <nav aria-label={t('transcript.path')} className="flex min-w-0 flex-1 items-center gap-1 text-[13px]">
        <Link
          to="/sessions/$sessionId"
          params={{ sessionId }}
          search={(before) => searchOfAgent(before, null)}
          className="shrink-0 rounded px-1 text-accent hover:underline coarse:leading-[2.75rem]"
        >
          {t('session.title')}
        </Link>
        {ancestorsOf(log, agent).map((parent) => (
          <span key={parent.id} className="flex min-w-0 items-center gap-1">
            <ChevronRight aria-hidden className="size-3.5 shrink-0 text-faint" />
            <Link
              to="/sessions/$sessionId"
              params={{ sessionId }}
              search={(before) => searchOfAgent(before, parent.id)}
              className="min-w-0 truncate text-accent hover:underline"
            >
              <bdi>{nameOf(parent, t('transcript.agent'))}</bdi>
            </Link>
          </span>
        ))}
        <ChevronRight aria-hidden className="size-3.5 shrink-0 text-faint" />
        <span aria-current="page" className="min-w-0 truncate font-medium">
          <bdi>{agent === undefined ? t('transcript.agent') : nameOf(agent, t('transcript.agent'))}</bdi>
        </span>
      </nav>
      {agent?.startedAt != null && (
        <span className="text-muted text-xs">
          <Elapsed from={agent.startedAt} to={agent.endedAt} />
        </span>
      )}
      {agent !== undefined && <AgentStateMark state={agent.state} />}
      {agent?.state === 'running' && <StopAgent agent={agent} sessionId={sessionId} />}
    </>
  );
}

const DEPTH = 20;

/** From the outermost on. What an agent says of its parents may be anything, a circle too. */
function ancestorsOf(log: SessionLog, agent: Agent | undefined): Agent[] {
  const found: Agent[] = [];
  let parentId = agent?.parentId ?? null;
  while (parentId !== null && found.length < DEPTH) {
    const parent = log.agents.get(parentId);
    if (parent === undefined) break;
    found.unshift(parent);
    parentId = parent.parentId;
  }
  return found;
}
