import { type Fields, textOf } from '../util/shapes.ts';
import { textOrNull } from './sdk-message.ts';

export type AgentState = 'running' | 'completed' | 'failed' | 'stopped' | 'unknown';

/** A subagent, by the call that began it. */
export type Agent = {
  id: string;
  /** The call of the subagent that began this one; null is the agent itself. */
  parentId: string | null;
  description: string;
  /** `general-purpose`, … */
  type: string | null;
  /** By which it can be stopped, where it goes on in the background. */
  taskId: string | null;
  isBackgrounded: boolean;
  state: AgentState;
  startedAt: number | null;
  endedAt: number | null;
  /** Tool calls that it has made, as far as they are read. */
  steps: number;
};

export function isAgentTool(name: string): boolean {
  return name === 'Agent' || name === 'Task';
}

export class Agents {
  readonly #agents = new Map<string, Agent>();
  #changed = new Set<string>();

  get(id: string): Agent | undefined {
    return this.#agents.get(id);
  }

  ids(): string[] {
    return [...this.#agents.keys()];
  }

  takeChanges(): Set<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  call(id: string, parentId: string | null, { input, at }: { input: Fields; at: number }): void {
    if (parentId !== null) this.#ensure(parentId, at);
    this.#change(id, {
      parentId,
      description: textOf(input.description),
      type: textOrNull(input.subagent_type),
      startedAt: at,
    });
  }

  start(id: string, fields: Fields, at: number): void {
    const known = this.#agents.get(id);
    this.#change(id, {
      description: textOf(fields.description) || (known?.description ?? ''),
      type: textOrNull(fields.subagent_type),
      taskId: textOrNull(fields.task_id),
      isBackgrounded: fields.is_backgrounded === true,
      // One that is resumed runs again.
      state: 'running',
      startedAt: known?.startedAt ?? at,
      endedAt: null,
    });
  }

  /** It has said something; what began it may lie on an older page. */
  speak(id: string, fields: Fields, at: number): void {
    const known = this.#agents.get(id);
    if (known !== undefined) return;
    this.#change(id, {
      description: textOf(fields.task_description),
      type: textOrNull(fields.subagent_type),
      taskId: textOrNull(fields.agent_id),
      startedAt: at,
    });
  }

  countStep(id: string, at: number): void {
    const { steps } = this.#ensure(id, at);
    this.#change(id, { steps: steps + 1 });
  }

  end(id: string, state: AgentState, at: number): void {
    if (this.#agents.get(id)?.state === 'running') this.#change(id, { state, endedAt: at });
  }

  /** Those that work within the turn end with it. */
  endForeground(at: number): void {
    for (const agent of this.#agents.values()) if (!agent.isBackgrounded) this.end(agent.id, 'unknown', at);
  }

  #ensure(id: string, at: number): Agent {
    return this.#agents.get(id) ?? this.#change(id, { startedAt: at });
  }

  #change(id: string, change: Partial<Agent>): Agent {
    const agent = { ...(this.#agents.get(id) ?? unknownAgent(id)), ...change };
    this.#agents.set(id, agent);
    this.#changed.add(id);
    return agent;
  }
}

function unknownAgent(id: string): Agent {
  return {
    id,
    parentId: null,
    description: '',
    type: null,
    taskId: null,
    isBackgrounded: false,
    state: 'running',
    startedAt: null,
    endedAt: null,
    steps: 0,
  };
}
