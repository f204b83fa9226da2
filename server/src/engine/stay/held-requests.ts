import { unlessAborted } from '../../ground/util/waiting.ts';
import type { Input, Leaving, Stay } from './step.ts';

type HeldRequestsParts = {
  state: () => Stay;
  leaving: () => Leaving;
  /** Whether the session is to make room for another one now; whoever asks and hears yes has to. */
  owesSlot: () => boolean;
  /** Resolves when all that the agent has said until now is dealt with. */
  caughtUp: () => Promise<void>;
  /** How many calls of tools have no result yet. */
  openCalls: () => number;
  tell: (input: Input) => void;
};

/** Requests of the agent to the model: held back where the session is to leave, until `step` has said whether it leaves there. */
export class HeldRequests {
  readonly #parts: HeldRequestsParts;
  readonly #passes = new Set<() => void>();

  constructor(parts: HeldRequestsParts) {
    this.#parts = parts;
  }

  /** Undefined lets the request go at once. */
  before(signal: AbortSignal): Promise<void> | undefined {
    const { leaving, owesSlot } = this.#parts;
    const owes = leaving() === 'no' && this.#couldMakeRoom && owesSlot();
    return owes || leaving() !== 'no' ? this.#hold(owes, signal) : undefined;
  }

  get #couldMakeRoom(): boolean {
    const stay = this.#parts.state();
    if (stay.at !== 'working' || !stay.isBegun || stay.failure !== null) return false;
    return stay.agent.agents.length + stay.agent.others === 0;
  }

  async #hold(owes: boolean, signal: AbortSignal): Promise<void> {
    const { caughtUp, openCalls, tell } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    // Which calls it has the results of is known then.
    await unlessAborted(caughtUp(), signal);
    this.#passes.add(resolve);
    try {
      tell({ type: 'asks', calls: openCalls(), owes });
      await unlessAborted(promise, signal);
    } finally {
      this.#passes.delete(resolve);
    }
  }

  forward(): void {
    for (const pass of this.#passes) pass();
  }
}
