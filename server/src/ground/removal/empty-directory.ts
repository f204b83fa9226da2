import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { hasDescriptorPaths, O_PATH } from '../util/descriptors.ts';

/** What came of one entry of a directory that is emptied. */
export type Removal = {
  name: string;
  /** Null when it is gone. Otherwise the operating system's word for what held, and how often it did. */
  kept: { code: string; count: number } | null;
};

/** Of the entries of one directory, as the file system has them: names need not be text. */
type Name = Buffer;
type Kept = { code: string; count: number };

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const OPERATIONS_AT_ONCE = 256;
/** One entry that somebody keeps filling must not keep the others. */
const PATIENCE_MS = 600_000;

/**
 * Deletes what is in a directory, whatever somebody left there: links are not followed, also when they take the place
 * of a directory meanwhile, modes do not matter to the owner, and neither does depth, for what lies deeper is moved up
 * first. Goes by descriptors, needs five of them, and no memory to speak of. Nothing below a mount point is touched.
 *
 * @param signal ends it early
 */
export async function* emptyDirectory(path: string, signal: AbortSignal): AsyncGenerator<Removal> {
  if (!hasDescriptorPaths) yield* emptyByPath(path, signal);
  else {
    const bin = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      for (const { name } of names(bin)) {
        const kept = await new TreeRemoval(bin, signal).remove(name);
        if (signal.aborted) return;
        yield { name: name.toString(), kept };
      }
    } finally {
      closeSync(bin);
    }
  }
}

/** Systems without descriptor paths confine no agents either: there is nobody to be guarded against. */
function* emptyByPath(path: string, signal: AbortSignal): Generator<Removal> {
  for (const { name } of names(path)) {
    if (signal.aborted) return;
    try {
      rmSync(`${path}/${name.toString()}`, { recursive: true, force: true });
      yield { name: name.toString(), kept: null };
    } catch (error) {
      yield { name: name.toString(), kept: { code: codeOf(error), count: 1 } };
    }
  }
}

/** Deletes one entry of a directory. */
class TreeRemoval {
  readonly #bin: number;
  readonly #mount: string;
  readonly #signal: AbortSignal;
  readonly #deadline = performance.now() + PATIENCE_MS;
  readonly #movedPrefix = `.removed-${randomUUID()}-`;
  /** Directories that were moved up to the top, and how many of these are done. */
  #moved = 0;
  #done = 0;
  #operations = 0;
  #kept: Kept | null = null;

  constructor(bin: number, signal: AbortSignal) {
    this.#bin = bin;
    this.#mount = mountOf(bin);
    this.#signal = signal;
  }

  async remove(name: Name): Promise<Kept | null> {
    try {
      if (await this.#removeTree(name)) return null;
    } catch (error) {
      this.#note(error);
    }
    return this.#kept;
  }

  /** @returns whether it is gone */
  async #removeTree(name: Name): Promise<boolean> {
    const top = this.#openOrUnlink(this.#bin, name);
    if (top === null) return true;
    try {
      return await this.#repeat(this.#bin, name, async () => {
        const before = this.#done;
        const removed = await this.#clear(top, async (child) => await this.#removeDirectory(top, child));
        while (this.#done < this.#moved) {
          await this.#removeDirectory(top, Buffer.from(`${this.#movedPrefix}${this.#done}`));
          this.#done += 1;
        }
        return removed > 0 || this.#done > before;
      });
    } finally {
      closeSync(top);
    }
  }

  /** A directory at the top; the directories in it become its neighbours. */
  async #removeDirectory(top: number, name: Name): Promise<boolean> {
    const directory = this.#openOrUnlink(top, name);
    if (directory === null) return true;
    try {
      return await this.#repeat(top, name, async () => {
        const cleared = await this.#clear(directory, async (child) => this.#moveUp(directory, child, top));
        return cleared > 0;
      });
    } finally {
      closeSync(directory);
    }
  }

  #moveUp(directory: number, child: Name, top: number): boolean {
    const target = at(top, Buffer.from(`${this.#movedPrefix}${this.#moved}`));
    try {
      renameSync(at(directory, child), target);
    } catch (error) {
      if (codeOf(error) !== 'EACCES') throw error;
      // Its entry for the directory above it changes: it has to be writable itself.
      closeSync(this.#open(directory, child));
      renameSync(at(directory, child), target);
    }
    this.#moved += 1;
    return true;
  }

  /** Until the directory is empty, or nothing of it goes any more. @returns whether it is gone */
  async #repeat(parent: number, name: Name, clear: () => Promise<boolean>): Promise<boolean> {
    while (true) {
      const hasCleared = await clear();
      try {
        rmdirSync(at(parent, name));
        return true;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return true;
        if (hasCleared && codeOf(error) === 'ENOTEMPTY') continue;
        this.#kept ??= { code: codeOf(error), count: 1 };
        return false;
      }
    }
  }

  /** Deletes the files of a directory. @returns how many of all entries went */
  async #clear(directory: number, onDirectory: (name: Name) => Promise<boolean>): Promise<number> {
    let cleared = 0;
    for (const { name, isDirectory } of names(directory)) {
      await this.#pause();
      try {
        if (!isDirectory) unlinkSync(at(directory, name));
        if (!isDirectory || (await onDirectory(name))) cleared += 1;
      } catch (error) {
        if (error instanceof Stopped) throw error;
        this.#note(error);
      }
    }
    return cleared;
  }

  /** @returns null when it is no directory, or none any more, and gone by now */
  #openOrUnlink(parent: number, name: Name): number | null {
    try {
      return this.#open(parent, name);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ENOTDIR' || code === 'ELOOP') unlinkSync(at(parent, name));
      else if (code !== 'ENOENT') throw error;
      return null;
    }
  }

  /** Opens a directory, and gives its owner the rights that whoever made it took away. */
  #open(parent: number, name: Name): number {
    const handle = openSync(at(parent, name), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      if (mountOf(handle) !== this.#mount) throw Object.assign(new Error('a mount point'), { code: 'EBUSY' });
      const { mode, uid } = fstatSync(handle);
      if ((mode & 0o700) !== 0o700 && uid === process.getuid?.()) chmodSync(at(handle), 0o700);
      return openSync(at(handle), OPEN_DIRECTORY & ~constants.O_NOFOLLOW);
    } finally {
      closeSync(handle);
    }
  }

  /** Lets others have their turn, and hears whether to stop. */
  async #pause(): Promise<void> {
    this.#operations += 1;
    if (this.#operations % OPERATIONS_AT_ONCE !== 0) return;
    await immediate();
    if (this.#signal.aborted || performance.now() > this.#deadline) throw new Stopped();
  }

  #note(error: unknown): void {
    const code = codeOf(error);
    if (code === 'ENOENT') return;
    this.#kept = { code, count: (this.#kept?.count ?? 0) + 1 };
  }
}

class Stopped extends Error {
  readonly code = 'ETIME';
}

function at(descriptor: number, name?: Name): string | Buffer {
  const own = `/proc/self/fd/${descriptor}`;
  return name === undefined ? own : Buffer.concat([Buffer.from(`${own}/`), name]);
}

/** Read bit by bit: there may be millions. */
function* names(directory: number | string): Generator<{ name: Name; isDirectory: boolean }> {
  const path = typeof directory === 'string' ? directory : `/proc/self/fd/${directory}`;
  const listing = opendirSync(path, { encoding: 'buffer' as BufferEncoding, bufferSize: 512 });
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
      yield { name: entry.name as unknown as Buffer, isDirectory: entry.isDirectory() };
    }
  } finally {
    listing.closeSync();
  }
}

function mountOf(descriptor: number): string {
  const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
  return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '';
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
