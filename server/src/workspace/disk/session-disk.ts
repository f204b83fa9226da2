import { statfs } from 'node:fs/promises';
import { AppError } from '../../ground/errors.ts';
import { type Meter, measureBytes } from './measure.ts';

export type SessionDiskOptions = {
  /** Where sessions have their directories; the database may be on the same disk. */
  directory: string;
  /** What one session's directory may come to. */
  maxBytes: number;
  /** Null where there is no program to measure with: then only the disk's own room counts. */
  meter: Meter | null;
};

/** Counts what is written. Throws `storage` for what there is no room for, before it is written. */
export type Allowance = { take(bytes: number): void };

type Account = {
  /** Bytes, by the last measure and what was taken since. */
  used: number;
  /** In all. */
  taken: number;
  measuredAt: number;
  measuring: Promise<void> | null;
};

const newAccount = (): Account => ({
  used: 0,
  taken: 0,
  measuredAt: Number.NEGATIVE_INFINITY,
  measuring: null,
});

const TRUSTED_MS = 10_000;
const MAX_ACCOUNTS = 1_000;
/** What clients leave of the disk, so that the database can go on: a twentieth, at most a gigabyte. */
const RESERVED_SHARE = 1 / 20;
const MAX_RESERVED_BYTES = 2 ** 30;

/** What clients may put into the directories of sessions. Agents are watched by themselves while they run. */
export class SessionDisk {
  readonly #options: SessionDiskOptions;
  readonly #accounts = new Map<string, Account>();

  constructor(options: SessionDiskOptions) {
    this.#options = options;
  }

  /** For writes into a session's directory that is there. */
  async open(sessionRoot: string): Promise<Allowance> {
    const account = await this.#accountOf(sessionRoot);
    let free = await this.#free();
    return {
      take: (bytes) => {
        account.used += bytes;
        account.taken += bytes;
        free -= bytes;
        if (free < 0) throw diskFull();
        if (account.used > this.#options.maxBytes) throw this.#tooMuch();
      },
    };
  }

  /** For a new session's directory. */
  async openNew(): Promise<Allowance> {
    let room = this.#options.maxBytes;
    let free = await this.#free();
    return {
      take: (bytes) => {
        room -= bytes;
        free -= bytes;
        if (free < 0) throw diskFull();
        if (room < 0) throw this.#tooMuch();
      },
    };
  }

  /** One that is half full, or was measured a while ago, is measured again; writes at the same time share it. */
  async #accountOf(sessionRoot: string): Promise<Account> {
    const account = this.#accounts.get(sessionRoot) ?? newAccount();
    this.#keep(sessionRoot, account);
    const isTrusted = performance.now() - account.measuredAt < TRUSTED_MS;
    if (isTrusted && account.used < this.#options.maxBytes / 2) return account;
    account.measuring ??= this.#measure(sessionRoot, account).finally(() => {
      account.measuring = null;
    });
    await account.measuring;
    return account;
  }

  async #measure(sessionRoot: string, account: Account): Promise<void> {
    const { meter } = this.#options;
    const before = account.taken;
    const used = meter === null ? 0 : await measureBytes(meter, [sessionRoot]).catch(throwUnmeasurable);
    // What was written meanwhile was seen or not.
    account.used = used + account.taken - before;
    account.measuredAt = performance.now();
  }

  #keep(sessionRoot: string, account: Account): void {
    this.#accounts.delete(sessionRoot);
    this.#accounts.set(sessionRoot, account);
    if (this.#accounts.size <= MAX_ACCOUNTS) return;
    for (const oldest of this.#accounts.keys()) {
      this.#accounts.delete(oldest);
      return;
    }
  }

  async #free(): Promise<number> {
    const { bavail, blocks, bsize } = await statfs(this.#options.directory);
    return bavail * bsize - Math.min(MAX_RESERVED_BYTES, blocks * bsize * RESERVED_SHARE);
  }

  #tooMuch(): AppError {
    const most = `${Math.floor(this.#options.maxBytes / 2 ** 20)} MB`;
    return new AppError('storage', `A session's files may come to ${most} on this server.`, {
      hint: 'delete some of its files, or let sessions have more: GREENROOM_SANDBOX_DISK',
    });
  }
}

function throwUnmeasurable(cause: unknown): never {
  throw new AppError('storage', "The session's files cannot be measured in time: there are too many.", {
    cause,
    hint: 'delete some of them',
  });
}

function diskFull(): AppError {
  return new AppError('storage', 'The disk is nearly full: what is left is kept for the database.', {
    hint: 'free space on the server, or delete old sessions',
  });
}
