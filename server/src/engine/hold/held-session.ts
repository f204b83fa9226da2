import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { retryWhileUnavailable } from '../../ground/db/retry.ts';
import type { Logger } from '../../ground/log.ts';
import { unlessAborted } from '../../ground/util/waiting.ts';
import type { EventBus } from '../../session/event/bus.ts';
import type { StoredEvent } from '../../session/event/event.ts';
import type { Hold } from './claim.ts';

/** The server stopped before the database took what was to be written of the session. */
export class StoppedError extends Error {
  constructor(sessionId: string) {
    super(
      `the server stops without having written the end of session ${sessionId}'s turn: the next start does`,
    );
    this.name = 'StoppedError';
  }
}

/** What a stay writes with: its session's fence, for as long as that is the newest. */
export class HeldSession {
  readonly id: string;
  /** Aborted, with the reason, when nothing more can be written. */
  readonly failed = new AbortController();
  /** 0 until the session is claimed. */
  fence = 0;
  readonly #db: Kysely<Database>;
  readonly #bus: EventBus;
  readonly #logger: Logger;

  constructor(id: string, services: { db: Kysely<Database>; bus: EventBus; logger: Logger }) {
    this.id = id;
    this.#db = services.db;
    this.#bus = services.bus;
    this.#logger = services.logger;
  }

  throwIfFailed(): void {
    this.failed.signal.throwIfAborted();
  }

  /** A short outage of the database must not cost a turn: waits until it is over, or the session is lost. */
  async persist<T>(work: (db: Kysely<Database>, hold: Hold) => Promise<T>): Promise<T> {
    const hold = { sessionId: this.id, fence: this.fence };
    const { signal } = this.failed;
    let isTold = false;
    const written = retryWhileUnavailable(
      async () => await work(this.#db, hold),
      signal,
      (error) => {
        if (!isTold)
          this.#logger.warn({ err: error, session_id: this.id }, 'cannot write a session down yet; retrying');
        isTold = true;
      },
    );
    return await this.waitFor(written);
  }

  /** Waits for what is written down, by whomever, until nothing more can be. */
  async waitFor<T>(work: Promise<T>): Promise<T> {
    return await unlessAborted(work, this.failed.signal);
  }

  /** Persists a change and tells of its events. */
  async record(work: (db: Kysely<Database>, hold: Hold) => Promise<StoredEvent[]>): Promise<void> {
    this.publish(await this.persist(work));
  }

  publish(events: readonly StoredEvent[]): void {
    this.#bus.publishEvents(events);
  }
}
