import type { Clock, Timer } from '../../ground/util/clock.ts';
import { optionDefaults } from '../../session/options/fields.ts';
import type { SessionOptions } from '../../session/session.ts';
import type { Input, State, TimerName } from './step.ts';

const INTERRUPT_GRACE_MS = 800;
/** How long a request waits for the results of the calls before it to be said. */
const HOLD_MS = 1_000;
/** How long a process that is to go on by itself may say nothing: its start alone takes seconds on a busy machine. */
const SILENCE_MS = 30_000;
/** An idle agent whose background tasks go on is kept this long. */
const BACKGROUND_TTL_MS = 3_600_000;

type TimersParts = {
  clock: Clock;
  /** How long an idle session keeps its process, in milliseconds. */
  idleTtl: number;
  state: () => State;
  /** Of the turn that runs. */
  options: () => SessionOptions;
  tell: (input: Input) => void;
};

/** What a stay waits for by the clock: the end of each is a letter. */
export class Timers {
  readonly #parts: TimersParts;
  readonly #running = new Map<TimerName, Timer>();

  constructor(parts: TimersParts) {
    this.#parts = parts;
  }

  set(name: TimerName): void {
    this.clear(name);
    const { clock, tell } = this.#parts;
    this.#running.set(
      name,
      clock.after(this.#durationOf(name), () => tell({ type: 'timer', name })),
    );
  }

  clear(name: TimerName): void {
    this.#running.get(name)?.stop();
  }

  clearAll(): void {
    for (const timer of this.#running.values()) timer.stop();
  }

  /** In milliseconds. */
  #durationOf(name: TimerName): number {
    const { state, options, idleTtl } = this.#parts;
    switch (name) {
      case 'interrupt':
        return INTERRUPT_GRACE_MS;
      case 'hold':
        return HOLD_MS;
      case 'silence':
        return SILENCE_MS;
      case 'idle': {
        const { stay } = state();
        const hasTasks = stay.at === 'idle' && stay.agent.agents.length + stay.agent.others > 0;
        return hasTasks ? BACKGROUND_TTL_MS : idleTtl;
      }
      case 'park':
        return (options().park_after_s ?? optionDefaults.park_after_s) * 1000;
      default:
        return name satisfies never;
    }
  }
}
