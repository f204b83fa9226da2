import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { isDatabaseUnavailable } from '../../ground/db/sqlstate.ts';
import type { Identity } from '../../ground/identity.ts';
import type { Logger } from '../../ground/log.ts';
import type { EventBus } from '../../session/event/bus.ts';
import { isKeyValid, type KeyRing, toIdentity } from '../api-key/key-ring.ts';
import { opens } from '../api-key/secret.ts';
import { findSignIns, type SignInRow } from './store.ts';

/** A browser that is signed in, as of now. */
export type SignIn = {
  hash: Buffer;
  identity: Identity;
  /** Of the sign-in itself; moves on while it is used. */
  expiresAt: Date;
  /** The key was made for it, and ends with it. */
  ownsKey: boolean;
  row: SignInRow;
};

type Known = { signIn: SignIn; readAt: number; usedAt: number };

const REFRESH_MS = 2_000;
/** One that was not read again for so long is read before it opens anything. */
const STALE_MS = 4_000;
const UNUSED_MS = 60_000;

/**
 * Says who is signed in, as the key ring says whose a key is: one is read when it is first seen, kept while it is in use,
 * and read again with its key every 2 s, or at once when a node tells that a key changed or somebody signed out. So it
 * opens nothing and has nothing open 4 s after its end, wherever that came from.
 */
export class SignInRing {
  readonly #db: Kysely<Database>;
  readonly #bus: Pick<EventBus, 'listen'>;
  readonly #keys: Pick<KeyRing, 'noteUse'>;
  readonly #logger: Logger;
  readonly #known = new Map<string, Known>();
  readonly #held = new Map<string, Set<() => void>>();
  readonly #stops: (() => void)[] = [];
  #isRefreshDue = false;
  #work: Promise<void> = Promise.resolve();

  constructor(options: {
    db: Kysely<Database>;
    bus: Pick<EventBus, 'listen'>;
    keys: Pick<KeyRing, 'noteUse'>;
    logger: Logger;
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#keys = options.keys;
    this.#logger = options.logger;
  }

  start(): void {
    const refresh = setInterval(() => this.#refreshSoon(), REFRESH_MS).unref();
    this.#stops.push(
      this.#bus.listen(({ type }) => {
        if (type === 'api_key') this.#refreshSoon();
      }),
      () => clearInterval(refresh),
    );
  }

  /** Null where it is unknown, has expired, was ended, or its key opens nothing any more. */
  async find(hash: Buffer): Promise<SignIn | null> {
    const id = hash.toString('hex');
    const known = this.#findFresh(id) ?? (await this.#read(hash));
    if (known === undefined || !isSignInValid(known.signIn.row)) return null;
    known.usedAt = performance.now();
    this.#keys.noteUse(known.signIn.row.id);
    return known.signIn;
  }

  /** It was changed or ended here: read again before its next use, without waiting for the signal. */
  noticeChange(hash: Buffer): void {
    this.#known.delete(hash.toString('hex'));
  }

  /** As `noticeChange`, of all that stand for a key. */
  noticeKeyChange(apiKeyId: string): void {
    for (const [id, { signIn }] of this.#known) if (signIn.row.id === apiKeyId) this.#known.delete(id);
  }

  /** Calls `end` when it no longer opens anything, and every 2 s from then on. @returns for when there is nothing left to end */
  whileValid({ hash }: SignIn, end: () => void): () => void {
    const id = hash.toString('hex');
    const ends = this.#held.get(id) ?? new Set();
    this.#held.set(id, ends.add(end));
    return () => {
      ends.delete(end);
      if (ends.size === 0 && this.#held.get(id) === ends) this.#held.delete(id);
    };
  }

  #findFresh(id: string): Known | undefined {
    const known = this.#known.get(id);
    return known !== undefined && performance.now() - known.readAt < STALE_MS ? known : undefined;
  }

  async #read(hash: Buffer): Promise<Known | undefined> {
    const readAt = performance.now();
    const [row] = await findSignIns(this.#db, [hash]);
    if (row !== undefined) return this.#keep(row, readAt);
    this.noticeChange(hash);
    return undefined;
  }

  #keep(row: SignInRow, readAt: number): Known {
    const id = row.sign_in_hash.toString('hex');
    const before = this.#known.get(id);
    if (before !== undefined && before.readAt > readAt) return before;
    const known = { signIn: toSignIn(row), readAt, usedAt: before?.usedAt ?? readAt };
    this.#known.set(id, known);
    return known;
  }

  /** One at a time, and one more behind it: while the database is away they must not pile up. */
  #refreshSoon(): void {
    if (this.#isRefreshDue) return;
    this.#isRefreshDue = true;
    const work = async (): Promise<void> => {
      this.#isRefreshDue = false;
      await this.#refresh();
    };
    this.#work = this.#work.then(work).catch((error) => {
      const level = isDatabaseUnavailable(error) ? 'debug' : 'warn';
      this.#logger[level]({ err: error }, 'could not look after the sign-ins; the next try is soon');
    });
  }

  async #refresh(): Promise<void> {
    const readAt = performance.now();
    for (const [id, { usedAt }] of this.#known) {
      if (readAt - usedAt > UNUSED_MS && !this.#held.has(id)) this.#known.delete(id);
    }
    const ids = [...new Set([...this.#known.keys(), ...this.#held.keys()])];
    const rows = await findSignIns(
      this.#db,
      ids.map((id) => Buffer.from(id, 'hex')),
    );
    const found = new Set(rows.map((row) => this.#keep(row, readAt).signIn.hash.toString('hex')));
    for (const id of ids) if (!found.has(id)) this.#known.delete(id);
    for (const [id, ends] of this.#held) {
      const row = this.#known.get(id)?.signIn.row;
      if (!ids.includes(id) || (row !== undefined && isSignInValid(row))) continue;
      for (const end of ends) end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    await this.#work;
  }
}

/** A sign-in is worth what the secret is worth that it was made with: rotated away, it ends with it. */
function isSignInValid(row: SignInRow): boolean {
  const now = new Date();
  return isKeyValid(row) && row.sign_in_expires_at > now && opens(row, row.key_hash, now);
}

function toSignIn(row: SignInRow): SignIn {
  return {
    hash: row.sign_in_hash,
    identity: { ...toIdentity(row), isOfTerminal: row.owns_key },
    expiresAt: row.sign_in_expires_at,
    ownsKey: row.owns_key,
    row,
  };
}

/** When it ends unless it is used again: with itself, with its key, or with a secret that was rotated away. */
export function endOf({ row }: SignIn): Date {
  const isPrevious = row.previous_hash?.equals(row.key_hash) === true;
  const ends = [row.sign_in_expires_at, row.expires_at, isPrevious ? row.previous_expires_at : null];
  return new Date(Math.min(...ends.flatMap((end) => (end === null ? [] : [end.getTime()]))));
}
