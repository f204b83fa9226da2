import { Bot } from 'lucide-react';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { SessionLog } from '../log/session-log.ts';
import { Button } from '../ui/button.tsx';
import { Popover } from '../ui/popover.tsx';
import { useStore } from '../util/store.ts';
import { AgentBranch } from './agent-card.tsx';
import { LoadAll } from './load-all.tsx';

const AT_ONCE = 50;

/** All subagents of the session, below those that began them; nothing where there are none. */
export function AgentTree({ log, sessionId }: { log: SessionLog; sessionId: string }) {
  const { t } = useLocale();
  const ids = useStore(log.agentIds);
  const older = useStore(log.older);
  if (ids.length === 0) return null;
  const known = new Set(ids);
  const roots = ids.filter((id) => !known.has(log.agents.get(id)?.parentId ?? ''));
  const count = t(older.name === 'none' ? 'transcript.agents' : 'transcript.agentsSoFar', {
    count: ids.length,
  });
  return (
    <Popover
      title={count}
      trigger={
        <Button kind="quiet" size="small">
          <Bot aria-hidden />
          {count}
        </Button>
      }
    >
      <LoadAll log={log} />
      <Stepwise entries={roots} atOnce={AT_ONCE} from="end">
        {(shown) =>
          shown.map((id) => <AgentBranch key={id} agentId={id} log={log} sessionId={sessionId} depth={0} />)
        }
      </Stepwise>
    </Popover>
  );
}
