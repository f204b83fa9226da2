import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import { retryWhileUnavailable } from '../db/retry.ts';
import { newBatchId } from '../ids.ts';
import type { Logger } from '../log.ts';
import type { EventBus } from './bus.ts';
import type { EventDraft } from './event.ts';
import { appendFenced, type FencedDraft, findRepeated } from './store.ts';

/** Another activation has taken the session over: whoever gets this must stop at once. */
export class StaleFenceError extends Error {
  constructor(sessionId: string) {
    super(`session ${sessionId} was taken over by a newer activation, or deleted`);
    this.name = 'StaleFenceError';
  }
}

type Pending = FencedDraft & { resolve: () => void; reject: (error: unknown) => void };

const MAX_BATCH = 500;

/**
 * Appends events for the activations of this worker, stored before published.
 *
 * One flush is in flight; what piles up meanwhile goes in the next ("natural batching"). While the database is away a
 * flush is repeated until it succeeds or the log is closed; the batch id makes a repeat whose first try had been
 * committed after all harmless.
 */
export class EventLog {
  readonly #db: Kysely<Database>;
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #queue: Pending[] = [];
  #flushing: Promise<void> | null = null;

  constructor(options: { db: Kysely<Database>; bus: EventBus; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#logger = options.logger;
  }

  /** Resolves when the event is committed. Rejects with StaleFenceError when the fence is no longer the newest. */
  async append(sessionId: string, fence: number, draft: EventDraft): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ sessionId, fence, draft, resolve, reject });
    this.#flushing ??= this.#flushAll();
    await promise;
  }

  async #flushAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_BATCH);
      try {
        await this.#flush(batch);
      } catch (error) {
        await this.#flushApart(batch, error);
      }
    }
    // In the same step as the check above: an event that came in between would wait for the next append.
    this.#flushing = null;
  }

  /** An event that the database refuses must not take those of other sessions with it. */
  async #flushApart(batch: readonly Pending[], cause: unknown): Promise<void> {
    const bySession = Map.groupBy(batch, (item) => item.sessionId);
    for (const items of bySession.values()) {
      try {
        if (bySession.size === 1) throw cause;
        await this.#flush(items);
      } catch (error) {
        for (const item of items) item.reject(error);
      }
    }
  }

  async #flush(batch: readonly Pending[]): Promise<void> {
    const batchId = newBatchId();
    let isRepeat = false;
    await retryWhileUnavailable(
      async () => await this.#store(batch, batchId, isRepeat),
      this.#closing.signal,
      (error) => {
        if (!isRepeat)
          this.#logger.warn({ err: error }, 'cannot store events while the database is away; retrying');
        isRepeat = true;
      },
    );
  }

  async #store(batch: readonly Pending[], batchId: string, isRepeat: boolean): Promise<void> {
    const stored = await appendFenced(this.#db, batchId, batch);
    const done = new Set(stored.map((event) => event.index));
    if (isRepeat && done.size < batch.length) {
      const missing = [
        ...new Set(batch.filter((_, index) => !done.has(index)).map((item) => item.sessionId)),
      ];
      const repeated = await findRepeated(this.#db, batchId, missing);
      for (const { id, last_seq } of repeated) {
        for (const [index, item] of batch.entries()) if (item.sessionId === id) done.add(index);
        this.#bus.publish([{ type: 'events', sessionId: id, seq: last_seq, events: [] }]);
      }
    }
    this.#bus.publishEvents(stored.map(({ index: _, ...event }) => event));
    batch.forEach((item, index) => {
      if (done.has(index)) item.resolve();
      else item.reject(new StaleFenceError(item.sessionId));
    });
  }

  /** Waits for what is under way; repeats end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#flushing;
  }
}
