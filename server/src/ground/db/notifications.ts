import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Pool } from 'pg';
import type { Logger } from '../log.ts';
import { type ConnectionTarget, connectionConfig } from './client.ts';

const CHANNEL = 'greenroom';
/** PostgreSQL refuses a payload of 8000 bytes or more. */
export const MAX_PAYLOAD_BYTES = 7_900;
const CHECK_INTERVAL_MS = 10_000;
const CHECK_TIMEOUT_MS = 5_000;
const RETRY_MS = 500;

type Handlers = {
  /** One published payload, of any node (this one too). */
  onPayload: (payload: string) => void;
  /** After each (re)connect: notifications may have been missed. */
  onConnected: () => void;
};

/**
 * LISTEN and NOTIFY: one channel for everything, one listening connection per node.
 *
 * - connecting: entered by `start()` and whenever the connection breaks; retries until it is listening.
 * - listening: payloads go to the handlers; a check every 10 s finds a connection that died without a word.
 * - closed: entered by dispose; for good.
 *
 * A notification is a hint, published after the commit that it tells of: what is lost here is found again by reading
 * the tables.
 */
export class Notifications {
  readonly #target: ConnectionTarget;
  readonly #pool: Pool;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #handlers: Handlers = { onPayload: () => {}, onConnected: () => {} };
  #running: Promise<void> = Promise.resolve();
  #outbox: string[] = [];
  #flushing: Promise<void> | null = null;

  constructor(options: { target: ConnectionTarget; pool: Pool; logger: Logger }) {
    this.#target = options.target;
    this.#pool = options.pool;
    this.#logger = options.logger;
  }

  /** Resolves once it listens for the first time. */
  async start(handlers: Handlers): Promise<void> {
    this.#handlers = handlers;
    const listening = Promise.withResolvers<void>();
    this.#running = this.#listenUntilClosed(listening.resolve);
    await listening.promise;
  }

  /** Sends payloads to every node; what piles up while one send is under way goes in the next. Never throws. */
  publish(payloads: readonly string[]): void {
    if (payloads.length === 0) return;
    this.#outbox.push(...payloads);
    this.#flushing ??= this.#flush();
  }

  async #flush(): Promise<void> {
    while (this.#outbox.length > 0) {
      const payloads = this.#outbox.splice(0);
      try {
        await this.#pool.query('select pg_notify($1, payload) from unnest($2::text[]) as payload', [
          CHANNEL,
          payloads,
        ]);
      } catch (error) {
        this.#logger.warn(
          { err: error, lost: payloads.length },
          'could not publish notifications; readers will catch up',
        );
      }
    }
    // In the same step as the check above: a payload that came in between would wait for the next publish.
    this.#flushing = null;
  }

  async #listenUntilClosed(onFirst: () => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const client = new Client(connectionConfig(this.#target, 'greenroom-listen'));
      try {
        await this.#listen(client, onFirst);
      } catch (error) {
        if (!signal.aborted)
          this.#logger.warn({ err: error }, 'lost the notification connection; reconnecting');
      } finally {
        await client.end().catch(() => {});
      }
      await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Returns or throws when the connection is gone. */
  async #listen(client: Client, onFirst: () => void): Promise<void> {
    const { signal } = this.#closing;
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    client.on('error', broken.reject);
    client.on('end', () => broken.reject(new Error('the connection ended')));
    client.on('notification', ({ payload }) => this.#handlers.onPayload(payload ?? ''));
    await client.connect();
    await client.query(`listen ${CHANNEL}`);
    onFirst();
    this.#handlers.onConnected();
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener('abort', () => resolve(), { once: true }),
    );
    while (!signal.aborted) {
      const pause = delay(CHECK_INTERVAL_MS, undefined, { signal, ref: false }).catch(() => {});
      await Promise.race([pause, broken.promise, aborted]);
      if (signal.aborted) return;
      await Promise.race([client.query('select 1'), broken.promise, rejectAfter(CHECK_TIMEOUT_MS)]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await this.#flushing;
  }
}

async function rejectAfter(ms: number): Promise<never> {
  await delay(ms, undefined, { ref: false });
  throw new Error(`no answer within ${ms} ms`);
}
