import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../log.ts';
import type { Removal } from './empty-directory.ts';
import { moveDirectory } from './move-directory.ts';

export type RemoverOptions = {
  /** Where the directories of sessions are. */
  sessionsDirectory: string;
  /** Of this run of the server, for what is not worth keeping. */
  temporaryDirectory: string;
  logger: Logger;
  /** Of the first try after one that left something; each later one takes twice as long, up to an hour. */
  retryMs?: number;
};

/** Of what is to be deleted and lies among the sessions; a name that no session has. */
export const BIN = '.deleted';

const RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
const program = fileURLToPath(new URL(`./process${extname(import.meta.filename)}`, import.meta.url));

/** Of Node.js, for the process that empties a directory. */
export function programArguments(directory: string): string[] {
  return ['--max-old-space-size=32', program, directory];
}

/**
 * Deletes what agents may have written. It is moved aside into a bin on its file system, which takes no time whatever it
 * holds; the bins are emptied by a process of its own, one after the other, that ends with the server. What cannot be
 * deleted stays in the bin, is told once, and is tried again.
 */
export class Remover {
  readonly #options: RemoverOptions;
  readonly #sessionsBin: string;
  readonly #temporaryBin: string;
  /** What could not be deleted, by its path, and why. */
  readonly #left = new Map<string, string>();
  /** What could not even be moved, and into which bin it goes. */
  readonly #unmoved = new Map<string, string>();
  readonly #due = new Set<string>();
  #running: Promise<void> | null = null;
  #child: ChildProcess | null = null;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #tries = 0;
  #isStopped = false;

  constructor(options: RemoverOptions) {
    this.#options = options;
    this.#sessionsBin = join(options.sessionsDirectory, BIN);
    this.#temporaryBin = join(options.temporaryDirectory, BIN);
  }

  /** With what earlier servers left. Not to be waited for: nobody knows how much that is. */
  start(): void {
    this.#empty(this.#sessionsBin);
    this.#takeOtherRuns().catch((error) =>
      this.#options.logger.warn({ err: error }, 'could not look for temporary files of earlier servers'),
    );
  }

  async #takeOtherRuns(): Promise<void> {
    const { temporaryDirectory } = this.#options;
    const runs = await readdir(dirname(temporaryDirectory));
    for (const name of runs.filter((other) => other !== basename(temporaryDirectory))) {
      await this.takeTemporary(join(dirname(temporaryDirectory), name));
    }
  }

  /** How often a bin was emptied. */
  get tries(): number {
    return this.#tries;
  }

  /** Paths of what could not be deleted so far, with the reason. */
  get left(): string[] {
    return [...this.#left].map(([path, reason]) => `${path} (${reason})`);
  }

  /**
   * Takes something away for good: when this resolves it is not there any more, or is among what is `left`. That it is
   * not there is no error. Never throws.
   *
   * @param path on the file system of the sessions, in a directory that no agent can write
   */
  async takeSession(path: string): Promise<void> {
    await this.#take(this.#sessionsBin, path);
  }

  /** The same for what is on the file system of temporary files. */
  async takeTemporary(path: string): Promise<void> {
    await this.#take(this.#temporaryBin, path);
  }

  /**
   * The same in a directory of a session's that its agent may be changing, by a path through the open directory. Throws
   * what the operating system says.
   */
  async takeFrom(path: string | Buffer): Promise<void> {
    await mkdir(this.#sessionsBin, { recursive: true, mode: 0o700 });
    await moveDirectory(path, join(this.#sessionsBin, randomUUID()));
    this.#empty(this.#sessionsBin);
  }

  async #take(bin: string, path: string): Promise<void> {
    try {
      await lstat(path);
      await mkdir(bin, { recursive: true, mode: 0o700 });
      await moveDirectory(path, join(bin, `${basename(path)}.${randomUUID()}`));
      this.#empty(bin);
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') {
        this.#keep(path, { code, count: 1 });
        this.#unmoved.set(path, bin);
        this.#tryAgain();
        return;
      }
    }
    this.#unmoved.delete(path);
    this.#forget(path);
  }

  #empty(bin: string): void {
    this.#due.add(bin);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      // Something may have come while it ended.
      const bin = first(this.#due);
      if (bin !== undefined && !this.#isStopped) this.#empty(bin);
    });
  }

  async #run(): Promise<void> {
    for (let bin = first(this.#due); bin !== undefined && !this.#isStopped; bin = first(this.#due)) {
      this.#due.delete(bin);
      try {
        await this.#runProcess(bin);
      } catch (error) {
        this.#options.logger.warn({ err: error, directory: bin }, 'could not delete what is to be deleted');
        this.#tryAgain();
      }
    }
  }

  async #runProcess(bin: string): Promise<void> {
    const names = await readdir(bin).catch(ignoreMissing);
    if (names.length === 0) return;
    const child = spawn(process.execPath, programArguments(bin), {
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child = child;
    const exited = once(child, 'exit');
    // Told by `exited`.
    exited.catch(() => {});
    child.stdin.on('error', () => {});
    let hasLeft = false;
    for await (const line of createInterface({ input: child.stdout })) {
      const { name, kept }: Removal = JSON.parse(line);
      const path = join(bin, name);
      if (kept === null) this.#forget(path);
      else this.#keep(path, kept);
      hasLeft ||= kept !== null;
    }
    const [code, signal] = await exited;
    this.#tries += 1;
    this.#child = null;
    if (code !== 0 && !this.#isStopped) throw new Error(`its process ended with ${signal ?? code}`);
    if (hasLeft) this.#tryAgain();
    else this.#failures = 0;
  }

  #keep(path: string, { code, count }: NonNullable<Removal['kept']>): void {
    if (!this.#left.has(path)) {
      const what = 'could not delete all of it; will try again';
      this.#options.logger.warn({ path, code, entries: count }, what);
    }
    this.#left.set(path, code);
  }

  #forget(path: string): void {
    if (this.#left.delete(path))
      this.#options.logger.info({ path }, 'deleted what could not be deleted before');
  }

  #tryAgain(): void {
    const { retryMs = RETRY_MS } = this.#options;
    const delay = Math.min(LONGEST_RETRY_MS, retryMs * 2 ** this.#failures);
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#retryAll(), delay).unref();
  }

  #retryAll(): void {
    for (const [path, bin] of this.#unmoved) void this.#take(bin, path);
    for (const bin of [this.#sessionsBin, this.#temporaryBin]) this.#empty(bin);
  }

  /** Resolves when nothing is being deleted. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.#child?.stdin?.end();
    await this.#running;
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}

function ignoreMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
