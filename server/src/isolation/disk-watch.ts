import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import type { Logger } from '../log.ts';

export type DiskWatchOptions = {
  /** On the file system whose space is looked at. */
  directory: string;
  /** What one agent's directories may come to, in bytes. */
  maxBytes: number;
  /** Path of the program `du`. */
  du: string;
  logger: Logger;
};

type Watched = {
  directories: readonly string[];
  onExceeded: () => void;
  /** The least that was measured; null before the first time. */
  lowest: number | null;
};

const TICK_MS = 1_000;
const LOOK_MS = 30_000;
const MEASURE_TIMEOUT_MS = 60_000;
/** Of the limit: so much of the file system is written between two looks, at most. */
const LOSS_BETWEEN_LOOKS = 1 / 16;
/** Of the limit: what else an agent writes, while it takes away what is too much. */
const SLACK = 1 / 100;
/** Looking at many files takes time: this much of one processor, at most. */
const SHARE_OF_TIME = 1 / 20;

/**
 * Tells when the directories of an agent come to more than they may. Looks when the file system has lost space, which
 * is cheap to see, and from time to time. An agent that begins with too much may take away from it, but not add to it.
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  /** Free bytes at the last look. */
  #freeThen = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #lookTookMs = 0;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  /** Until the returned function is called. `onExceeded` may be called more than once. */
  watch(directories: readonly string[], onExceeded: () => void): () => void {
    const watched: Watched = { directories, onExceeded, lowest: null };
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS).unref();
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) this[Symbol.dispose]();
    };
  }

  async #tick(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { bavail, bsize } = await statfs(this.#options.directory);
      if (this.#isDue(bavail * bsize)) await this.#look(bavail * bsize);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'could not measure what agents have on disk; will try again');
    } finally {
      this.#isLooking = false;
    }
  }

  #isDue(free: number): boolean {
    const since = performance.now() - this.#lookedAt;
    const hasNew = [...this.#watched].some(({ lowest }) => lowest === null);
    const isLosing = this.#freeThen - free > this.#options.maxBytes * LOSS_BETWEEN_LOOKS;
    if (hasNew || isLosing) return since > this.#lookTookMs;
    return since > Math.max(LOOK_MS, this.#lookTookMs / SHARE_OF_TIME);
  }

  async #look(free: number): Promise<void> {
    const started = performance.now();
    const { maxBytes, du } = this.#options;
    for (const watched of [...this.#watched]) {
      const bytes = await measure(du, watched.directories);
      const { lowest } = watched;
      watched.lowest = Math.min(bytes, lowest ?? bytes);
      const hasGrown = lowest !== null && bytes - lowest > maxBytes * SLACK;
      if (bytes > maxBytes && hasGrown && this.#watched.has(watched)) watched.onExceeded();
    }
    this.#freeThen = free;
    this.#lookedAt = performance.now();
    this.#lookTookMs = this.#lookedAt - started;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** @returns allocated bytes. What vanishes meanwhile, or is closed to the server, is left out. */
async function measure(du: string, directories: readonly string[]): Promise<number> {
  const output = await new Promise<string>((resolve, reject) => {
    const options = { timeout: MEASURE_TIMEOUT_MS, maxBuffer: 2 ** 24, env: {} };
    execFile(du, ['-skx', '--', ...directories], options, (error, stdout) => {
      // 1: it has left something out.
      if (error === null || error.code === 1) resolve(stdout);
      else reject(error);
    });
  });
  return output.split('\n').reduce((sum, line) => sum + Number.parseInt(line || '0', 10) * 1024, 0);
}
