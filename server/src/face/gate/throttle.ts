import { addressBlock } from '../../ground/util/ip-address.ts';

const BURST = 20;
const REFILL_MS = 3_000;
const MAX_ENTRIES = 10_000;

type Bucket = { failures: number; at: number };

/** Slows down whoever guesses keys: an address may fail 20 times at once, then once in 3 s. */
export class FailureThrottle {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  noteFailure(ip: string): void {
    const block = addressBlock(ip);
    const failures = this.#failures(block) + 1;
    // Moved to the end, so that the one noted longest ago makes room.
    this.#buckets.delete(block);
    this.#buckets.set(block, { failures: Math.min(failures, BURST), at: this.#now() });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_ENTRIES && oldest !== undefined) this.#buckets.delete(oldest);
  }

  /** @returns how many seconds to wait before the next try; 0 when one may be made now */
  retryAfterSeconds(ip: string): number {
    const excess = this.#failures(addressBlock(ip)) - (BURST - 1);
    return excess > 0 ? Math.ceil((excess * REFILL_MS) / 1000) : 0;
  }

  isBlocked(ip: string): boolean {
    return this.retryAfterSeconds(ip) > 0;
  }

  #failures(block: string): number {
    const bucket = this.#buckets.get(block);
    if (bucket === undefined) return 0;
    return Math.max(0, bucket.failures - (this.#now() - bucket.at) / REFILL_MS);
  }
}
