export type SilenceLimits = {
  /** Until the first byte of the body. Milliseconds. */
  firstByteMs: number;
  /** From then on. */
  idleMs: number;
};

/** The model API sent nothing for too long. The message is for the agent program. */
export class SilentModelError extends Error {
  override readonly name = 'SilentModelError';
}

/** Ends a request whose answer is silent for too long; while the agent is behind with reading, that is not counted. */
export class SilenceWatch {
  readonly #limits: SilenceLimits;
  readonly #isHeldUp: () => boolean;
  readonly #abort = new AbortController();
  #limitMs: number;
  #timer: NodeJS.Timeout;

  constructor(limits: SilenceLimits, isHeldUp: () => boolean) {
    this.#limits = limits;
    this.#isHeldUp = isHeldUp;
    this.#limitMs = limits.firstByteMs;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  heard(): void {
    if (this.#limitMs === this.#limits.idleMs) return void this.#timer.refresh();
    clearTimeout(this.#timer);
    this.#limitMs = this.#limits.idleMs;
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#isHeldUp()) this.#timer.refresh();
      else this.#abort.abort(new SilentModelError(`the model API was silent for ${this.#limitMs / 1000} s`));
    }, this.#limitMs).unref();
  }
}
