import { setTimeout as delay } from 'node:timers/promises';

/** Does the same thing again and again, one time after the other. A time that failed is told, and the next one comes. */
export class Repeating {
  readonly #closing = new AbortController();
  readonly #work: (signal: AbortSignal) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #running: Promise<void> = Promise.resolve();

  constructor(work: (signal: AbortSignal) => Promise<void>, onError: (error: unknown) => void) {
    this.#work = work;
    this.#onError = onError;
  }

  start(everyMs: number): void {
    this.#running = this.#run(everyMs);
  }

  async #run(everyMs: number): Promise<void> {
    const { signal } = this.#closing;
    while (true) {
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      await this.#work(signal).catch(this.#onError);
    }
  }

  /** Resolves when the round that is under way has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }
}
