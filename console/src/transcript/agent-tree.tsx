import { Bot } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import type { SessionLog } from '../session/session-log.ts';
import { Button } from '../ui/button.tsx';
import { Popover } from '../ui/popover.tsx';
import { useStore } from '../util/store.ts';
import { AgentBranch } from './agent-card.tsx';

const SHOWN = 100;

/** All subagents of the session, below those that began them; nothing where there are none. */
export function AgentTree({ log, sessionId }: { log: SessionLog; sessionId: string }) {
  const { t } = useLocale();
  const ids = useStore(log.agentIds);
  if (ids.length === 0) return null;
  const roots = ids.filter((id) => {
    const parentId = log.agents.get(id)?.parentId ?? null;
    return parentId === null || !ids.includes(parentId);
  });
  return (
    <Popover
      title={t('transcript.agents', { count: ids.length })}
      trigger={
        <Button kind="quiet" size="small">
          <Bot aria-hidden />
          {t('transcript.agents', { count: ids.length })}
        </Button>
      }
    >
      {roots.slice(-SHOWN).map((id) => (
        <AgentBranch key={id} agentId={id} log={log} sessionId={sessionId} depth={0} />
      ))}
    </Popover>
  );
}
