import { z } from 'zod';
import type { AgentMessage } from '../agent/agent-process.ts';
import { parseResult, type ResultMessage } from '../hold/outcome.ts';

/** What a message of the agent means for its session's stay. */
export type Word =
  /** It begins to work, on a message or by itself. */
  | { is: 'begins' }
  /** It is at rest: nothing of what it was given or began is open. */
  | { is: 'rests' }
  /** It begins a message that it was given, or takes it into what it does. */
  | { is: 'takes'; id: string }
  /** It is done with a message: with an error, or without having read it. */
  | { is: 'returns'; id: string }
  | { is: 'result'; result: ResultMessage }
  /** What goes on in the background. */
  | { is: 'tasks'; agents: readonly string[]; others: number }
  /** A task in the background has ended. */
  | { is: 'notice'; text: string }
  | { is: 'other' };

const backgroundTasks = z.object({
  tasks: z.array(
    z.looseObject({ task_id: z.string(), task_type: z.string(), ambient: z.boolean().optional() }),
  ),
});

/** The permission mode that the agent says that it is in; null where it does not. */
export function modeOf(message: AgentMessage): string | null {
  const isTold = message.type === 'system' && (message.subtype === 'init' || message.subtype === 'status');
  return isTold ? (message.permissionMode ?? null) : null;
}

const OTHER: Word = { is: 'other' };

export function wordOf(message: AgentMessage): Word {
  const { type } = message as { type: string };
  if (type === 'result') return { is: 'result', result: parseResult(message) };
  if (type === 'command_lifecycle') return wordOfQueue(message as unknown as QueueNotice);
  return message.type === 'system' ? wordOfSystem(message) : OTHER;
}

/** What the agent program says of the messages in its queue; not in the SDK's types. */
type QueueNotice = { state?: string; command_uuid?: string };

function wordOfQueue({ state, command_uuid: id }: QueueNotice): Word {
  if (id === undefined) return OTHER;
  if (state === 'started') return { is: 'takes', id };
  return state === 'cancelled' ? { is: 'returns', id } : OTHER;
}

function wordOfSystem(message: AgentMessage & { type: 'system' }): Word {
  switch (message.subtype) {
    case 'init':
      return { is: 'begins' };
    case 'session_state_changed':
      return message.state === 'idle' ? { is: 'rests' } : OTHER;
    case 'background_tasks_changed': {
      const tasks = backgroundTasks.parse(message).tasks.filter(({ ambient }) => ambient !== true);
      const agents = tasks
        .filter(({ task_type }) => task_type === 'local_agent')
        .map(({ task_id }) => task_id);
      return { is: 'tasks', agents, others: tasks.length - agents.length };
    }
    case 'task_notification':
      return { is: 'notice', text: message.summary };
    default:
      return OTHER;
  }
}
