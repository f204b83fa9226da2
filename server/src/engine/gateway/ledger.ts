import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import type { DatabaseClient } from '../../ground/db/client.ts';
import { retryWhileUnavailable } from '../../ground/db/retry.ts';
import { newRequestId } from '../../ground/ids.ts';
import type { Logger } from '../../ground/log.ts';
import { unlessAborted } from '../../ground/util/waiting.ts';
import { describeLimit } from '../../session/usage/budget.ts';
import { correctCharge } from '../../session/usage/charge.ts';
import {
  findHeldSession,
  findSpentLimit,
  listAbandoned,
  releaseUsage,
  reserveUsage,
  type Settlement,
  settleUsage,
} from '../../session/usage/store.ts';
import { addTokens, noTokens } from '../../session/usage/tokens.ts';
import type { Accounts, Admission, AskedRequest, SettledFree, Standing, Used } from './accounts.ts';
import type { PriceList } from './price-list.ts';

export type LedgerOptions = {
  database: DatabaseClient;
  prices: PriceList;
  workerId: string;
  logger: Logger;
  /** How long a request waits for others that may use a budget up. */
  patienceMs?: number;
};

const PATIENCE_MS = 120_000;
/** Requests of other nodes are settled without a word to this one. */
const LOOK_AGAIN_MS = 500;
const SWEEP_MS = 30_000;

/**
 * Writes every model request down: reserved at more than it can cost before it is made, settled at what it cost after.
 * A request is admitted while what was spent and what is reserved stay below each budget, so that a budget is overrun
 * by the last request at most, however many are made at once. Where only reservations are in the way, it waits for them.
 */
export class UsageLedger implements Accounts {
  readonly #options: LedgerOptions;
  /** Settlements that are being written down. */
  readonly #pending = new Map<Promise<void>, string>();
  readonly #closing = new AbortController();
  #settled = Promise.withResolvers<void>();
  #sweeping: NodeJS.Timeout | undefined;
  #sweep: Promise<void> = Promise.resolve();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#sweeping = setInterval(() => {
      this.#sweep = this.#sweep.then(async () => await this.releaseAbandoned());
    }, SWEEP_MS).unref();
  }

  async standing(client: { sessionId: string; fence: number }): Promise<Standing> {
    return await this.#persist(async ({ db }) => {
      const session = await findHeldSession(db, client);
      if (session === undefined) return { verdict: 'stale' };
      const limit = await findSpentLimit(db, client.sessionId, session.api_key_id);
      return limit === undefined
        ? { verdict: 'good' }
        : { verdict: 'exceeded', message: describeLimit(limit) };
    }, AbortSignal.timeout(PATIENCE_MS));
  }

  async admit(asked: AskedRequest, signal: AbortSignal): Promise<Admission> {
    const { prices, workerId, patienceMs = PATIENCE_MS } = this.#options;
    const { sessionId, fence, model, extent } = asked;
    const requestId = newRequestId();
    const bound = prices.boundOf(model, extent);
    const deadline = performance.now() + patienceMs;
    while (true) {
      signal.throwIfAborted();
      const settled = this.#settled.promise;
      let isRepeat = false;
      const reservation = await this.#persist(async (database) => {
        const request = { id: requestId, sessionId, fence, workerId, model, bound, isRepeat };
        isRepeat = true;
        return await reserveUsage(database, request);
      }, signal);
      if (reservation.verdict === 'reserved') return { verdict: 'admitted', requestId };
      if (reservation.verdict === 'stale') return { verdict: 'stale' };
      if (reservation.verdict === 'exceeded') {
        return { verdict: 'exceeded', message: describeLimit(reservation.limit) };
      }
      if (performance.now() > deadline) return { verdict: 'busy' };
      await Promise.race([settled, delay(LOOK_AGAIN_MS, undefined, { signal })]);
    }
  }

  settle(request: { sessionId: string; requestId: string }, used: Used | SettledFree): void {
    const { logger } = this.#options;
    // It counts as pending from now on, but the agent gets the end of its answer first.
    const written = immediate()
      .then(async () => await this.#settle(request, this.#settlementOf(used)))
      .catch(async (error: unknown) => {
        logger.error(
          { err: error, ...request, ...used },
          'could not write down what a model request used: what was reserved for it is charged',
        );
        await this.#settle(request, { ...reservedFor(used), cost: null });
      })
      .catch((error: unknown) =>
        logger.error({ err: error, ...request }, 'could not charge what was reserved for a model request'),
      )
      .then(() => {
        this.#pending.delete(written);
        this.#settled.resolve();
        this.#settled = Promise.withResolvers();
      });
    this.#pending.set(written, request.sessionId);
  }

  async #settle(request: { sessionId: string; requestId: string }, settlement: Settlement): Promise<void> {
    const { signal } = this.#closing;
    const written = this.#persist(async ({ db }) => {
      const late = await settleUsage(db, request, settlement);
      if (late !== null) await correctCharge(db, late);
    }, signal);
    await unlessAborted(written, signal);
  }

  /** A short outage of the database must not cost a request. */
  async #persist<T>(work: (database: DatabaseClient) => Promise<T>, signal: AbortSignal): Promise<T> {
    return await retryWhileUnavailable(async () => await work(this.#options.database), signal);
  }

  #settlementOf(used: Used | SettledFree): Settlement {
    if ('isFree' in used) {
      const { model, upstreamStatus } = used;
      return { status: 'released', cost: 0n, model, tokens: noTokens, isEstimated: false, upstreamStatus };
    }
    const asked = [used, ...(used.others ?? [])];
    const costs = asked.map(({ model, tokens }) => this.#options.prices.costOf(model, tokens));
    const cost = costs.reduce((sum, one) => sum + one);
    return { status: 'settled', cost, ...used, tokens: asked.map(({ tokens }) => tokens).reduce(addTokens) };
  }

  async settled(sessionId: string): Promise<void> {
    const own = [...this.#pending].flatMap(([written, id]) => (id === sessionId ? [written] : []));
    await Promise.all(own);
  }

  /** Gives back what a killed server had reserved: nobody knows what those requests cost. */
  async releaseAbandoned(): Promise<void> {
    const { database, logger } = this.#options;
    const { db } = database;
    try {
      const ids = await listAbandoned(db);
      for (const id of ids) await releaseUsage(db, id);
      if (ids.length > 0)
        logger.warn({ requests: ids.length }, 'released the reservations of a server that is gone');
    } catch (error) {
      logger.warn({ err: error }, 'could not look for abandoned reservations; will try again');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeping);
    await this.#sweep;
    const giveUp = setTimeout(() => this.#closing.abort(), 5_000);
    await Promise.all(this.#pending.keys());
    clearTimeout(giveUp);
  }
}

/** Of a request whose own figures cannot be written down. */
function reservedFor({ model, upstreamStatus }: Used | SettledFree): Omit<Settlement, 'cost'> {
  return { status: 'settled', model, tokens: noTokens, isEstimated: true, upstreamStatus };
}
