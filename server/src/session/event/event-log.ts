import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { retryWhileUnavailable } from '../../ground/db/retry.ts';
import { newBatchId } from '../../ground/ids.ts';
import type { Logger } from '../../ground/log.ts';
import { patiently } from '../../ground/util/waiting.ts';
import type { EventBus } from './bus.ts';
import type { EventDraft } from './event.ts';
import { appendFenced, type FencedDraft, findAppendStates } from './store.ts';

/** Another activation has taken the session over: whoever gets this must stop at once. */
export class StaleFenceError extends Error {
  constructor(sessionId: string) {
    super(`session ${sessionId} was taken over by a newer activation, or deleted`);
    this.name = 'StaleFenceError';
  }
}

type Pending = FencedDraft & { resolve: () => void; reject: (error: unknown) => void };

const MAX_BATCH = 500;
/** Between looks at a session that somebody else has locked; longer each time. */
const MIN_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;
const CLOSE_PATIENCE_MS = 2_000;

/**
 * Appends events for the activations of this worker, stored before published.
 *
 * One flush is in flight; what piles up meanwhile goes in the next ("natural batching"). While the database is away a
 * flush is repeated until it succeeds or the log is closed; the batch id makes a repeat whose first try had been
 * committed after all harmless.
 *
 * A session that somebody else has locked leaves that stream: its events line up by themselves, in their order, and are
 * tried again until the session is free; then it is back. So the events of the others never wait for it.
 */
export class EventLog {
  readonly #db: Kysely<Database>;
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #queue: Pending[] = [];
  #flushing: Promise<void> | null = null;
  /** Of sessions that are locked. */
  readonly #lines = new Map<string, Pending[]>();
  readonly #inLine = new Set<Promise<void>>();

  constructor(options: { db: Kysely<Database>; bus: EventBus; logger: Logger }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#logger = options.logger;
  }

  /**
   * Resolves when the event is committed, however long that takes. Rejects with StaleFenceError when the fence is no
   * longer the newest.
   */
  async append(sessionId: string, fence: number, draft: EventDraft): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line = this.#lines.get(sessionId);
    (line ?? this.#queue).push({ sessionId, fence, draft, resolve, reject });
    if (line === undefined) this.#flushing ??= this.#flushAll();
    await promise;
  }

  async #flushAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const locked = await this.#flushOrReject(this.#queue.splice(0, MAX_BATCH));
      for (const [sessionId, items] of Map.groupBy(locked, (item) => item.sessionId)) {
        this.#lineUp(sessionId, items);
      }
    }
    // In the same step as the check above: an event that came in between would wait for the next append.
    this.#flushing = null;
  }

  #lineUp(sessionId: string, locked: Pending[]): void {
    const isOfSession = (item: Pending): boolean => item.sessionId === sessionId;
    const line = [...locked, ...this.#queue.filter(isOfSession)];
    this.#queue = this.#queue.filter((item) => !isOfSession(item));
    this.#lines.set(sessionId, line);
    const work = this.#flushLine(sessionId, line).finally(() => this.#inLine.delete(work));
    this.#inLine.add(work);
  }

  async #flushLine(sessionId: string, line: Pending[]): Promise<void> {
    const { signal } = this.#closing;
    let pause = MIN_PAUSE_MS;
    while (true) {
      await delay(pause, undefined, { signal }).catch(() => {});
      const locked = await this.#flushOrReject(line.splice(0, MAX_BATCH));
      line.unshift(...locked);
      if (signal.aborted) for (const item of line.splice(0)) item.reject(signal.reason);
      // In the same step as the last look at the line: what comes after goes with the others again.
      if (line.length === 0) {
        this.#lines.delete(sessionId);
        return;
      }
      pause = locked.length === 0 ? 0 : Math.min(pause * 2, MAX_PAUSE_MS);
    }
  }

  /** An event that the database refuses must not take those of other sessions with it. @returns as `#flush` */
  async #flushOrReject(batch: readonly Pending[]): Promise<Pending[]> {
    try {
      return await this.#flush(batch);
    } catch (cause) {
      return await this.#flushApart(batch, cause);
    }
  }

  async #flushApart(batch: readonly Pending[], cause: unknown): Promise<Pending[]> {
    const bySession = Map.groupBy(batch, (item) => item.sessionId);
    const locked: Pending[] = [];
    for (const items of bySession.values()) {
      try {
        if (bySession.size === 1) throw cause;
        locked.push(...(await this.#flush(items)));
      } catch (error) {
        for (const item of items) item.reject(error);
      }
    }
    return locked;
  }

  /** @returns what is yet to be stored, of sessions that somebody else has locked */
  async #flush(batch: readonly Pending[]): Promise<Pending[]> {
    const batchId = newBatchId();
    let isRepeat = false;
    return await retryWhileUnavailable(
      async () => await this.#store(batch, batchId),
      this.#closing.signal,
      (error) => {
        if (!isRepeat)
          this.#logger.warn({ err: error }, 'cannot store events while the database is away; retrying');
        isRepeat = true;
      },
    );
  }

  async #store(batch: readonly Pending[], batchId: string): Promise<Pending[]> {
    const stored = await appendFenced(this.#db, batchId, batch);
    this.#bus.publishEvents(stored.map(({ index: _, ...event }) => event));
    const done = new Set(stored.map((event) => event.index));
    for (const index of done) batch[index]?.resolve();
    const missing = batch.filter((_, index) => !done.has(index));
    return missing.length === 0 ? [] : await this.#explain(missing, batchId);
  }

  /** Why they were not stored now: their fence is stale, an earlier try of the batch did it, or they have to wait. */
  async #explain(missing: readonly Pending[], batchId: string): Promise<Pending[]> {
    const bySession = Map.groupBy(missing, (item) => item.sessionId);
    const states = await findAppendStates(this.#db, [...bySession.keys()]);
    const locked: Pending[] = [];
    for (const [sessionId, items] of bySession) {
      const state = states.get(sessionId);
      const isRepeat = state?.last_batch === batchId;
      if (isRepeat) this.#bus.publish([{ type: 'events', sessionId, seq: state.last_seq, events: [] }]);
      for (const item of items) {
        if (state?.fence !== item.fence) item.reject(new StaleFenceError(sessionId));
        else if (isRepeat) item.resolve();
        else locked.push(item);
      }
    }
    return locked;
  }

  /** Waits for what is under way, though not for ever; repeats end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const underWay = Promise.all([this.#flushing, ...this.#inLine]);
    await patiently(underWay, CLOSE_PATIENCE_MS).catch((error) =>
      this.#logger.warn({ err: error }, 'could not store the last events'),
    );
  }
}
