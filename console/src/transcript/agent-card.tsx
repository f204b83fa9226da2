import { Link } from '@tanstack/react-router';
import { Bot, CircleAlert, CircleCheck, CircleHelp, CircleSlash, LoaderCircle } from 'lucide-react';
import { oneLine } from '../content/bounds.ts';
import { markInvisible } from '../content/invisible.ts';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { Agent, AgentState } from '../log/agents.ts';
import type { SessionLog } from '../log/session-log.ts';
import { searchOfAgent } from '../log/session-search.ts';
import { Elapsed } from '../ui/elapsed.tsx';
import { useStore } from '../util/store.ts';
import { StopAgent } from './stop-agent.tsx';
import { useAgent } from './use-log.ts';

export type AgentCardProps = { agentId: string; log: SessionLog; sessionId: string };

/** A subagent with those that it began itself; opens their transcripts, and stops them. */
export function AgentCard(props: AgentCardProps) {
  return (
    <div className="rounded-lg border bg-panel py-0.5">
      <AgentBranch {...props} depth={0} />
    </div>
  );
}

/** Deeper ones are reached through their parents' transcripts: an agent may begin agents without end. */
const DEPTH = 4;
const AT_ONCE = 20;

export function AgentBranch({ depth, ...props }: AgentCardProps & { depth: number }) {
  const { log, agentId } = props;
  const agent = useAgent(log, agentId);
  const children = useStore(log.agentIds).filter((id) => log.agents.get(id)?.parentId === agentId);
  if (agent === undefined) return null;
  return (
    <>
      <AgentLine {...props} agent={agent} depth={depth} />
      {depth < DEPTH && (
        <Stepwise entries={children} atOnce={AT_ONCE}>
          {(shown) => shown.map((id) => <AgentBranch key={id} {...props} agentId={id} depth={depth + 1} />)}
        </Stepwise>
      )}
    </>
  );
}

function AgentLine({ agent, depth, sessionId }: AgentCardProps & { agent: Agent; depth: number }) {
  const { t } = useLocale();
  return (
    <div
      className="flex min-h-8 items-center gap-2 px-2 text-[13px] coarse:min-h-11"
      style={{ paddingInlineStart: `${0.5 + depth * 1.25}rem` }}
    >
      <Bot aria-hidden className="size-4 shrink-0 text-accent" />
      <Link
        to="/sessions/$sessionId"
        params={{ sessionId }}
        search={(before) => searchOfAgent(before, agent.id)}
        className="min-w-0 flex-1 truncate hover:underline coarse:leading-[2.75rem]"
      >
        <bdi>{nameOf(agent, t('transcript.agent'))}</bdi>
        {agent.type !== null && <bdi className="pl-2 text-muted text-xs">{shortType(agent.type)}</bdi>}
      </Link>
      <span className="whitespace-nowrap text-muted text-xs">
        {t('transcript.steps', { count: agent.steps })}
      </span>
      {agent.startedAt !== null && (
        <span className="text-muted text-xs">
          <Elapsed from={agent.startedAt} to={agent.endedAt} />
        </span>
      )}
      <AgentStateMark state={agent.state} />
      {agent.state === 'running' && <StopAgent agent={agent} sessionId={sessionId} />}
    </div>
  );
}

export function nameOf({ description, type }: Agent, fallback: string): string {
  return markInvisible(oneLine(description, 200)) || shortType(type) || fallback;
}

function shortType(type: string | null): string {
  return markInvisible(oneLine(type ?? '', 60));
}

const marks = {
  running: { Icon: LoaderCircle, look: 'animate-spin text-working' },
  completed: { Icon: CircleCheck, look: 'text-done' },
  failed: { Icon: CircleAlert, look: 'text-danger' },
  stopped: { Icon: CircleSlash, look: 'text-muted' },
  unknown: { Icon: CircleHelp, look: 'text-muted' },
} satisfies Record<AgentState, unknown>;

export function AgentStateMark({ state }: { state: AgentState }) {
  const { t } = useLocale();
  const { Icon, look } = marks[state];
  return (
    <span className="flex shrink-0" title={t(`transcript.agentState.${state}`)}>
      <Icon aria-hidden className={`size-4 ${look}`} />
      <span className="sr-only">{t(`transcript.agentState.${state}`)}</span>
    </span>
  );
}
