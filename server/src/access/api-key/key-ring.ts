import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { isDatabaseUnavailable } from '../../ground/db/sqlstate.ts';
import { AppError } from '../../ground/errors.ts';
import { type Identity, LOCAL_USER, type Scope } from '../../ground/identity.ts';
import type { Logger } from '../../ground/log.ts';
import type { EventBus } from '../../session/event/bus.ts';
import type { Pepper } from './pepper.ts';
import { hashSecret, opens, readKeyId } from './secret.ts';
import { requireSamePepper } from './service.ts';
import { type ApiKeyRow, findApiKey, findApiKeys, hasApiKeys, updateLastUse } from './store.ts';
import { TokenBucket } from './token-bucket.ts';

type Known = { row: ApiKeyRow; identity: Identity; readAt: number; usedAt: number };

const REFRESH_MS = 2_000;
/** A key that was not read again for so long is read before it opens anything. */
const STALE_MS = 4_000;
const UNUSED_MS = 60_000;
const LAST_USE_MS = 10_000;

/**
 * Says whose a key is. A key is read from the database when it is first seen, kept while it is in use, and read again
 * every 2 s, or at once when a node tells that it changed: so a revoked key opens nothing after at most 4 s, wherever
 * it was revoked, and what it has open by then is ended.
 *
 * Without any key, a server on loopback has one local user. From the first key on everybody needs one.
 */
export class KeyRing {
  readonly #db: Kysely<Database>;
  readonly #bus: EventBus;
  readonly #pepper: Pepper;
  readonly #logger: Logger;
  readonly #isLocal: boolean;
  readonly #known = new Map<string, Known>();
  readonly #held = new Map<string, Set<() => void>>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #stops: (() => void)[] = [];
  #lastUses = new Map<string, Date>();
  #hasKeys = false;
  #isRefreshDue = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: {
    db: Kysely<Database>;
    bus: EventBus;
    pepper: Pepper;
    logger: Logger;
    /** Whether only this machine reaches the server. */
    isLocal: boolean;
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#pepper = options.pepper;
    this.#logger = options.logger;
    this.#isLocal = options.isLocal;
  }

  async start(): Promise<void> {
    this.#hasKeys = await hasApiKeys(this.#db);
    if (this.#hasKeys) await requireSamePepper(this.#db, this.#pepper);
    const refresh = setInterval(() => this.#refreshSoon(), REFRESH_MS).unref();
    const lastUse = setInterval(
      () => this.#soon(async () => await this.#writeLastUses()),
      LAST_USE_MS,
    ).unref();
    this.#stops.push(
      this.#bus.listen((signal) => {
        if (signal.type === 'api_key') this.#refreshSoon();
      }),
      () => clearInterval(refresh),
      () => clearInterval(lastUse),
    );
  }

  get hasKeys(): boolean {
    return this.#hasKeys;
  }

  /** Whether a request without a key is refused. */
  get isNeeded(): boolean {
    return this.#hasKeys || !this.#isLocal;
  }

  /** Somebody came in with it, though not by its secret. */
  noteUse(apiKeyId: string): void {
    this.#lastUses.set(apiKeyId, new Date());
  }

  /** A key was made or changed here: what it opens is read again before its next use, without waiting for the signal. */
  noticeChange(apiKeyId: string): void {
    this.#hasKeys = true;
    const known = this.#known.get(apiKeyId);
    if (known !== undefined) known.readAt = Number.NEGATIVE_INFINITY;
  }

  /** @param secret what the request came with, null without any. Throws `unauthorized` when it opens nothing. */
  async identify(secret: string | null): Promise<Identity> {
    if (secret === null) {
      if (this.isNeeded) throw unauthorized('This server needs an API key.');
      return LOCAL_USER;
    }
    const id = readKeyId(secret);
    if (id === null) throw unauthorized(UNKNOWN);
    let known = this.#findFresh(id);
    // What is known may be from before a rotation: a refusal is always of what the database says.
    if (known === undefined || this.#refusal(known, secret) !== null) known = await this.#read(id);
    const refusal = this.#refusal(known, secret);
    if (known === undefined || refusal !== null) throw unauthorized(refusal ?? UNKNOWN);
    known.usedAt = performance.now();
    this.noteUse(id);
    return known.identity;
  }

  #refusal(known: Known | undefined, secret: string): string | null {
    if (known === undefined || !this.#isOpenedBy(known.row, secret)) return UNKNOWN;
    if (isKeyValid(known.row)) return null;
    return known.row.revoked_at === null ? 'The API key has expired.' : 'The API key was revoked.';
  }

  /** Whoever holds the key, without its secret; null is the local user. Throws `unauthorized` as `identify` does. */
  async identifyHolder(apiKeyId: string | null): Promise<Identity> {
    if (apiKeyId === null) return await this.identify(null);
    const known = this.#findFresh(apiKeyId) ?? (await this.#read(apiKeyId));
    if (known === undefined || !isKeyValid(known.row)) throw unauthorized(UNKNOWN);
    known.usedAt = performance.now();
    return known.identity;
  }

  /** Whether it has the form of a key that was asked for here lately; not whether it opens anything. */
  isInUse(secret: string): boolean {
    const id = readKeyId(secret);
    return id !== null && this.#known.has(id);
  }

  /** Counts a request against the key's rate. Throws `rate_limited` when it is one too many. */
  takeRequest({ apiKeyId, limits: { requestsPerSecond } }: Identity): void {
    if (apiKeyId === null || requestsPerSecond === null) return;
    const bucket = this.#buckets.get(apiKeyId) ?? new TokenBucket(requestsPerSecond);
    this.#buckets.set(apiKeyId, bucket);
    const seconds = bucket.take(requestsPerSecond);
    if (seconds === 0) return;
    throw new AppError('rate_limited', `The API key may send ${requestsPerSecond} requests per second.`, {
      hint: 'send fewer, or have the limit of the key raised',
      retryAfterSeconds: Math.ceil(seconds),
    });
  }

  /** Calls `end` when the key no longer opens anything, and every 2 s from then on. @returns for when there is nothing left to end */
  whileValid({ apiKeyId }: Identity, end: () => void): () => void {
    if (apiKeyId === null) return () => {};
    const ends = this.#held.get(apiKeyId) ?? new Set();
    this.#held.set(apiKeyId, ends.add(end));
    return () => {
      ends.delete(end);
      if (ends.size === 0 && this.#held.get(apiKeyId) === ends) this.#held.delete(apiKeyId);
    };
  }

  #findFresh(id: string): Known | undefined {
    const known = this.#known.get(id);
    return known !== undefined && performance.now() - known.readAt < STALE_MS ? known : undefined;
  }

  async #read(id: string): Promise<Known | undefined> {
    const readAt = performance.now();
    const row = await findApiKey(this.#db, { tenantId: null, id });
    if (row === undefined) {
      this.#known.delete(id);
      return undefined;
    }
    this.#hasKeys = true;
    return this.#keep(row, readAt);
  }

  #keep(row: ApiKeyRow, readAt: number): Known {
    const before = this.#known.get(row.id);
    if (before !== undefined && before.readAt > readAt) return before;
    const usedAt = before?.usedAt ?? readAt;
    const known = { row, identity: toIdentity(row), readAt, usedAt };
    this.#known.set(row.id, known);
    return known;
  }

  #isOpenedBy(row: ApiKeyRow, secret: string): boolean {
    const pepper = this.#pepper.find();
    return pepper !== null && opens(row, hashSecret(secret, pepper), new Date());
  }

  /** One at a time, and one more behind it: while the database is away they must not pile up. */
  #refreshSoon(): void {
    if (this.#isRefreshDue) return;
    this.#isRefreshDue = true;
    this.#soon(async () => {
      this.#isRefreshDue = false;
      await this.#refresh();
    });
  }

  #soon(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error) => {
      const level = isDatabaseUnavailable(error) ? 'debug' : 'warn';
      this.#logger[level]({ err: error }, 'could not look after the API keys; the next try is soon');
    });
  }

  /** Reads again what is in use, and ends what revoked and expired keys have open. */
  async #refresh(): Promise<void> {
    const readAt = performance.now();
    for (const [id, { usedAt }] of this.#known) {
      if (readAt - usedAt > UNUSED_MS && !this.#held.has(id)) this.#forget(id);
    }
    if (!this.#hasKeys) await this.#lookForFirstKey();
    const rows = await findApiKeys(this.#db, [...this.#known.keys()]);
    for (const row of rows) this.#keep(row, readAt);
    for (const [id, ends] of this.#held) {
      const row = this.#known.get(id)?.row;
      if (row !== undefined && isKeyValid(row)) continue;
      for (const end of ends) end();
    }
  }

  async #lookForFirstKey(): Promise<void> {
    if (!(await hasApiKeys(this.#db))) return;
    this.#hasKeys = true;
    await requireSamePepper(this.#db, this.#pepper).catch((error) => {
      this.#logger.error({ err: error }, 'this server refuses every API key until it is given the pepper');
    });
  }

  #forget(id: string): void {
    this.#known.delete(id);
    this.#buckets.delete(id);
  }

  async #writeLastUses(): Promise<void> {
    const uses = this.#lastUses;
    if (uses.size === 0) return;
    this.#lastUses = new Map();
    try {
      await updateLastUse(this.#db, uses);
    } catch (error) {
      this.#lastUses = new Map([...uses, ...this.#lastUses]);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    this.#soon(async () => await this.#writeLastUses());
    await this.#work;
  }
}

const UNKNOWN = 'The API key is not known here.';

function unauthorized(message: string): AppError {
  return new AppError('unauthorized', message, {
    hint: 'send one as `Authorization: Bearer grk_…`; `greenroom keys create` makes one',
  });
}

export function isKeyValid({
  revoked_at,
  expires_at,
}: Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>): boolean {
  return revoked_at === null && (expires_at === null || expires_at > new Date());
}

export function toIdentity(row: ApiKeyRow): Identity {
  return {
    tenantId: row.tenant_id,
    apiKeyId: row.id,
    name: row.name,
    scopes: new Set(row.scopes as Scope[]),
    limits: {
      requestsPerSecond: row.requests_per_second,
      maxActiveSessions: row.max_active_sessions,
      maxQueuedTurns: row.max_queued_turns,
    },
  };
}
