import { statfs } from 'node:fs/promises';
import { AppError } from '../errors.ts';
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

type Account = { used: number; measuredAt: number };

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
    const known = this.#accounts.get(sessionRoot);
    const isTrusted = known !== undefined && performance.now() - known.measuredAt < TRUSTED_MS;
    if (isTrusted && known.used < this.#options.maxBytes / 2) return known;
    const { meter } = this.#options;
    const used = meter === null ? 0 : await measureBytes(meter, [sessionRoot]).catch(throwUnmeasurable);
    const account = known ?? { used, measuredAt: 0 };
    Object.assign(account, { used, measuredAt: performance.now() });
    this.#accounts.delete(sessionRoot);
    this.#accounts.set(sessionRoot, account);
    if (this.#accounts.size > MAX_ACCOUNTS) {
      for (const oldest of this.#accounts.keys()) {
        this.#accounts.delete(oldest);
        break;
      }
    }
    return account;
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
