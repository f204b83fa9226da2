import type { Clock, Timer } from '../../ground/util/clock.ts';
import type { TurnError } from '../../session/turn/turn.ts';

export type WatchLimits = {
  clock: Clock;
  /** How long the turn may take in all; null is no limit. Milliseconds. */
  deadlineMs: number | null;
  /** How long nothing may be heard of it. Milliseconds. */
  stallMs: number;
};

/**
 * Sees to it that a turn ends: calls back once, when it has taken too long, or when neither its agent nor its model
 * has been heard of for too long. While the turn waits for a person neither clock runs.
 */
export class TurnWatch {
  readonly #limits: WatchLimits;
  readonly #lastHeard: () => number;
  readonly #onExpire: (error: TurnError) => void;
  #remainingMs: number | null;
  #startedAt = 0;
  #deadline: Timer | undefined;
  #stall: Timer | undefined;
  #isRunning = false;

  /** `lastHeard`: when something was heard of the turn last, by the clock. */
  constructor(limits: WatchLimits, lastHeard: () => number, onExpire: (error: TurnError) => void) {
    this.#limits = limits;
    this.#lastHeard = lastHeard;
    this.#onExpire = onExpire;
    this.#remainingMs = limits.deadlineMs;
  }

  /** Lets the clocks run, from the start or again. */
  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { clock } = this.#limits;
    this.#startedAt = clock.now();
    if (this.#remainingMs !== null)
      this.#deadline = clock.after(this.#remainingMs, () => this.#expireDeadline());
    this.#watchForStall(this.#limits.stallMs);
  }

  /** Stops the clocks: the turn waits for a person, or has ended. */
  pause(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#deadline?.stop();
    this.#stall?.stop();
    if (this.#remainingMs !== null) {
      this.#remainingMs = Math.max(0, this.#remainingMs - (this.#limits.clock.now() - this.#startedAt));
    }
  }

  #watchForStall(afterMs: number): void {
    const { clock, stallMs } = this.#limits;
    this.#stall = clock.after(afterMs, () => {
      const silentMs = clock.now() - Math.max(this.#lastHeard(), this.#startedAt);
      if (silentMs < stallMs) this.#watchForStall(stallMs - silentMs);
      else this.#expire(`Nothing was heard of the agent and the model for ${seconds(stallMs)}.`);
    });
  }

  #expireDeadline(): void {
    this.#expire(`The turn took longer than ${seconds(this.#limits.deadlineMs ?? 0)}.`);
  }

  #expire(message: string): void {
    this.pause();
    this.#onExpire({ code: 'timeout', message });
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
