import { setImmediate as immediate } from 'node:timers/promises';

/** As many bytes may be on their way to whoever stores them; the next are then read when all of these are stored. */
const MAX_BYTES = 8 * 2 ** 20;
/** After as many, others get their turn on this thread. */
const BREATH_BYTES = 64 * 2 ** 10;

/**
 * What an agent has said and nobody has stored yet. The SDK reads without bound, and keeps what its reader does not
 * take: so whoever feeds it asks here for room first.
 */
export class Backlog {
  /** Since all was last stored. */
  #bytes = 0;
  #breath = 0;
  #unread = 0;
  #storing = 0;
  #changed = Promise.withResolvers<void>();
  #hasReader = true;

  /** Whether anybody still reads messages. */
  get hasReader(): boolean {
    return this.#hasReader;
  }

  /** So much is on its way. */
  add(bytes: number): void {
    this.#bytes += bytes;
    this.#breath += bytes;
  }

  /** A message waits for its reader, until `taken`. */
  waits(): void {
    this.#unread++;
  }

  taken(): void {
    this.#unread--;
    this.#changed.resolve();
  }

  readerGone(): void {
    this.#hasReader = false;
    this.#changed.resolve();
  }

  /** Counts what `work` stores until it has done so. */
  async storing<T>(work: Promise<T>): Promise<T> {
    this.#storing++;
    try {
      return await work;
    } finally {
      this.#storing--;
      this.#changed.resolve();
    }
  }

  /** Resolves when more may be added. */
  async room(): Promise<void> {
    if (this.#breath < BREATH_BYTES) return;
    this.#breath = 0;
    await this.#settle();
    while (this.#bytes > MAX_BYTES) {
      await this.#changed.promise;
      await this.#settle();
    }
  }

  /** The SDK hands on what it was given within a turn of the event loop: then somebody has it, or nobody wants it. */
  async #settle(): Promise<void> {
    this.#changed = Promise.withResolvers();
    await immediate();
    const isRead = this.#unread === 0 || !this.#hasReader;
    if (isRead && this.#storing === 0) this.#bytes = 0;
  }
}
