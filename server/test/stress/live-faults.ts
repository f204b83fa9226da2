import { execFile } from 'node:child_process';
import { open, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { createSilentLogger } from '../../src/ground/log.ts';
import { EmbeddedPostgres } from '../../src/ground/postgres/embedded-postgres.ts';
import { temporaryDirectory } from '../support/harness.ts';
import type { Random } from '../support/random.ts';

const run = promisify(execFile);

/** Enough for what a seed writes, so that what is left over is filled in no time. */
const DISK_MB = 700;
const FULL_FOR_MS = 5_000;

/** One thing that goes wrong, for a while; afterwards all is as it was. */
export type Fault = { name: string; cause: () => Promise<void> };

/** A PostgreSQL that things happen to: on a disk of its own, where tests may mount one. */
export class FaultyPostgres implements AsyncDisposable {
  readonly url: string;
  readonly #directory: string;
  readonly #hasOwnDisk: boolean;
  readonly #stack: AsyncDisposableStack;

  private constructor(options: {
    url: string;
    directory: string;
    hasOwnDisk: boolean;
    stack: AsyncDisposableStack;
  }) {
    this.url = options.url;
    this.#directory = options.directory;
    this.#hasOwnDisk = options.hasOwnDisk;
    this.#stack = options.stack;
  }

  static async start(): Promise<FaultyPostgres> {
    await using stack = new AsyncDisposableStack();
    const { path: directory } = stack.use(await temporaryDirectory());
    const hasOwnDisk = process.getuid?.() === 0;
    if (hasOwnDisk) {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m,mode=755`, 'tmpfs', directory]);
      stack.defer(async () => void (await run('umount', ['--lazy', directory])));
    }
    const postgres = stack.use(
      new EmbeddedPostgres({ dataDirectory: directory, logger: createSilentLogger() }),
    );
    await postgres.start();
    const { user, password, database, host } = postgres.connection;
    const url = `postgresql://${user}:${password}@localhost/${database}?host=${encodeURIComponent(host)}`;
    return new FaultyPostgres({ url, directory, hasOwnDisk, stack: stack.move() });
  }

  /** Whichever the machine allows, by chance. */
  pick(random: Random): Fault {
    const seconds = random.pick([2, 2, 10, 10, 10, 60]);
    const faults: [Fault, ...Fault[]] = [
      { name: `database stopped for ${seconds} s`, cause: () => this.#stopFor(seconds * 1_000) },
      { name: 'database killed', cause: () => this.#kill() },
      { name: 'statements cancelled', cause: () => this.#signalBackends('pg_cancel_backend', 20) },
      { name: 'connections ended', cause: () => this.#signalBackends('pg_terminate_backend', 4) },
      { name: 'sessions locked', cause: () => this.#lock('sessions', 3_000 + random.upTo(7_000)) },
      { name: 'jobs locked', cause: () => this.#lock('greenroom_queue.job_common', 3_000) },
    ];
    if (this.#hasOwnDisk) faults.push({ name: 'disk full', cause: () => this.#fillDisk() });
    return random.pick(faults);
  }

  async #stopFor(milliseconds: number): Promise<void> {
    const stopped = new Set<number>();
    const stop = async (): Promise<void> => {
      for (const pid of await this.#pids()) {
        if (!stopped.has(pid) && signal(pid, 'SIGSTOP')) stopped.add(pid);
      }
    };
    // Twice: the first look may have missed one that the postmaster was just starting.
    await stop();
    await stop();
    await delay(milliseconds);
    for (const pid of stopped) signal(pid, 'SIGCONT');
  }

  /** As when the machine kills it; it is started again at once. */
  async #kill(): Promise<void> {
    for (const pid of await this.#pids()) signal(pid, 'SIGKILL');
    await this.#untilBack();
  }

  async #signalBackends(name: 'pg_cancel_backend' | 'pg_terminate_backend', times: number): Promise<void> {
    await this.#withClient(async (client) => {
      for (let time = 0; time < times; time++) {
        await client.query(`
          select ${name}(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()
            and (state <> 'idle' or ${name === 'pg_terminate_backend'})
          order by random() limit 1`);
        await delay(100);
      }
    });
  }

  /** Some of the sessions, or everything that a table has. */
  async #lock(table: string, milliseconds: number): Promise<void> {
    await this.#withClient(async (client) => {
      await client.query('begin');
      await client.query(
        table === 'sessions'
          ? 'select from greenroom.sessions order by random() limit 2 for update'
          : `lock table ${table} in access exclusive mode`,
      );
      await delay(milliseconds);
      await client.query('rollback');
    });
  }

  async #fillDisk(): Promise<void> {
    const path = join(this.#directory, 'ballast');
    const file = await open(path, 'w');
    try {
      const { bavail, bsize } = await statfs(this.#directory);
      const chunk = Buffer.alloc(2 ** 20);
      for (let left = bavail * bsize; left > 0; left -= chunk.length) await file.write(chunk);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await file.close();
    }
    await delay(FULL_FOR_MS);
    await rm(path);
    await this.#untilBack();
  }

  async #untilBack(): Promise<void> {
    while (true) {
      const isBack = await this.#withClient(async () => true).catch(() => false);
      if (isBack) return;
      await delay(100);
    }
  }

  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ connectionString: this.url });
    client.on('error', () => {});
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** The postmaster first: while it stands still it starts no other. */
  async #pids(): Promise<number[]> {
    const text = await readFile(join(this.#directory, 'postgres', 'postmaster.pid'), 'utf8');
    const postmaster = Number(text.split('\n')[0]);
    const others = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    const parents = await Promise.all(others.map(async (pid) => [pid, await parentOf(pid)] as const));
    return [postmaster, ...parents.flatMap(([pid, parent]) => (parent === postmaster ? [pid] : []))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** @returns false where it has ended meanwhile */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

async function parentOf(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name of the program, in brackets, may have anything in it.
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
