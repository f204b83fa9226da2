/** So many per second, and a second's worth at once. */
export class TokenBucket {
  #tokens: number;
  #at: number;

  constructor(perSecond: number, now = performance.now()) {
    this.#tokens = Math.max(1, perSecond);
    this.#at = now;
  }

  /** @returns 0, or the seconds until there will be one */
  take(perSecond: number, now = performance.now()): number {
    const refilled = this.#tokens + ((now - this.#at) / 1000) * perSecond;
    this.#tokens = Math.min(Math.max(1, perSecond), refilled);
    this.#at = now;
    if (this.#tokens < 1) return (1 - this.#tokens) / perSecond;
    this.#tokens -= 1;
    return 0;
  }
}
