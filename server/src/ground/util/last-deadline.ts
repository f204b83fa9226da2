/** For a stop that may never come to an end by itself, as where the database does not answer. */
export class LastDeadline {
  readonly #onMissed: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onMissed: () => void) {
    this.#onMissed = onMissed;
  }

  /** Milliseconds from now; in place of what was set before. */
  set(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onMissed, ms).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
