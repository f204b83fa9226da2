import { statfs } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { Logger } from '../../ground/log.ts';
import { type DiskUsage, type Meter, measureDisk, UnmeasurableError } from '../../workspace/disk/measure.ts';

export type DiskWatchOptions = {
  /** On the file system whose space is looked at. */
  directory: string;
  /** What one agent's directories may come to, in bytes. */
  maxBytes: number;
  meter: Meter;
  logger: Logger;
};

type Watched = {
  directories: readonly string[];
  onExceeded: () => void;
  /** The least that was measured, as a share of the limits; null before the first time. */
  lowest: number | null;
  /** In a row. */
  failures: number;
  /** The machine had nothing left to measure with: no fault of the agent's. */
  wasMissed: boolean;
  isMeasuring: boolean;
  measuredAt: number;
  tookMs: number;
  /** What was free when it was measured last. */
  free: DiskUsage;
};

const TICK_MS = 1_000;
const LOOK_MS = 30_000;
const MEASURED_AT_ONCE = 4;
/** An agent whose files cannot be measured once more has too many of them. */
const MAX_FAILURES = 2;
/** Of the limit: so much of the file system is written between two looks, at most. */
const LOSS_BETWEEN_LOOKS = 1 / 16;
/** Of the limit: what else an agent writes, while it takes away what is too much. */
const SLACK = 1 / 100;
/** Looking at many files takes time: this much of one processor, at most. */
const SHARE_OF_TIME = 1 / 20;
/** As many bytes for a file as file systems reckon with that have a fixed number of them. */
const BYTES_PER_FILE = 16 * 1024;
const LEAST_FILES = 100_000;

/** How many files, directories and links an agent may have whose bytes are limited to so many. */
export function maxFilesOf(maxBytes: number): number {
  return Math.max(LEAST_FILES, Math.floor(maxBytes / BYTES_PER_FILE));
}

/**
 * Tells when the directories of an agent come to more than they may, in bytes or in files. Looks when the file system has
 * lost space, which is cheap to see, and from time to time. An agent that begins with too much may take away from it, but
 * not add to it. Each is measured by itself: one that takes long, or cannot be measured, holds up no other for long.
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #maxFiles: number;
  readonly #watched = new Set<Watched>();
  readonly #limit = pLimit(MEASURED_AT_ONCE);
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#maxFiles = maxFilesOf(options.maxBytes);
  }

  /** Until the returned function is called. `onExceeded` may be called more than once. */
  watch(directories: readonly string[], onExceeded: () => void): () => void {
    const watched: Watched = {
      directories,
      onExceeded,
      lowest: null,
      failures: 0,
      wasMissed: false,
      isMeasuring: false,
      measuredAt: Number.NEGATIVE_INFINITY,
      tookMs: 0,
      free: { bytes: 0, files: 0 },
    };
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS).unref();
    return () => {
      this.#watched.delete(watched);
      if (this.#watched.size === 0) this[Symbol.dispose]();
    };
  }

  async #tick(): Promise<void> {
    try {
      const { bavail, bsize, ffree } = await statfs(this.#options.directory);
      const free = { bytes: bavail * bsize, files: ffree };
      for (const watched of this.#watched) if (this.#isDue(watched, free)) this.#startLook(watched, free);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'could not look at the disk of agents; will try again');
    }
  }

  #isDue(watched: Watched, free: DiskUsage): boolean {
    if (watched.isMeasuring) return false;
    const since = performance.now() - watched.measuredAt;
    const isUnknown = watched.lowest === null || watched.failures > 0 || watched.wasMissed;
    const isLosing =
      watched.free.bytes - free.bytes > this.#options.maxBytes * LOSS_BETWEEN_LOOKS ||
      watched.free.files - free.files > this.#maxFiles * LOSS_BETWEEN_LOOKS;
    if (isUnknown || isLosing) return since > watched.tookMs;
    return since > Math.max(LOOK_MS, watched.tookMs / SHARE_OF_TIME);
  }

  #startLook(watched: Watched, free: DiskUsage): void {
    watched.isMeasuring = true;
    this.#look(watched, free)
      .catch((error) =>
        this.#options.logger.error({ err: error }, 'could not end an agent that has too much on disk'),
      )
      .finally(() => {
        watched.isMeasuring = false;
      });
  }

  async #look(watched: Watched, free: DiskUsage): Promise<void> {
    await this.#limit(async () => {
      if (!this.#watched.has(watched)) return;
      const started = performance.now();
      const isExceeded = await this.#measure(watched);
      watched.free = free;
      watched.measuredAt = performance.now();
      watched.tookMs = watched.measuredAt - started;
      if (isExceeded && this.#watched.has(watched)) watched.onExceeded();
    });
  }

  /** @returns whether it has too much */
  async #measure(watched: Watched): Promise<boolean> {
    try {
      const { bytes, files } = await measureDisk(this.#options.meter, watched.directories);
      const share = Math.max(bytes / this.#options.maxBytes, files / this.#maxFiles);
      const { lowest } = watched;
      watched.failures = 0;
      watched.wasMissed = false;
      watched.lowest = Math.min(share, lowest ?? share);
      return share > 1 && lowest !== null && share - lowest > SLACK;
    } catch (error) {
      const wasMissed = watched.wasMissed;
      watched.wasMissed = !(error instanceof UnmeasurableError);
      if (!watched.wasMissed) watched.failures += 1;
      else if (wasMissed) return false; // told already
      const what = { err: error, directories: watched.directories };
      this.#options.logger.warn(what, 'could not measure what an agent has on disk');
      return watched.failures >= MAX_FAILURES;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
