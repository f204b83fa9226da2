import { type BigIntStats, constants, existsSync } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  opendir,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { makeUsable } from '../removal/move-directory.ts';
import type { Remover } from '../removal/remover.ts';
import { openDirectory } from '../util/held-directory.ts';
import { MAX_DEPTH, type WorkspacePath } from './path.ts';

/** A name in a directory; bytes where it is not UTF-8. */
export type Name = string | Buffer;

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
// A pipe must not hold the server up until somebody writes to it.
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const CREATE_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * An open directory. All that is done in it goes through its file descriptor (`/proc/self/fd/N/name`) and one name at
 * a time, and no link is ever followed: whatever an agent renames meanwhile, the way down never leaves the workspace.
 * Checking a path first and opening it afterwards does not give that.
 */
export class Directory {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @param path absolute, free of symbolic links */
  static async openRoot(path: string): Promise<Directory> {
    requireDescriptorPaths();
    return new Directory(await openDirectory(path, OPEN_DIRECTORY));
  }

  /** Opens the directory at the end of a path, one name after the other. */
  async walk(path: WorkspacePath, options: { create?: boolean } = {}): Promise<Directory> {
    let current: Directory = new Directory(await open(this.#at(), OPEN_DIRECTORY & ~constants.O_NOFOLLOW));
    for (const name of path) {
      const parent = current;
      try {
        current = await (options.create ? parent.#openOrCreate(name) : parent.open(name));
      } finally {
        await parent[Symbol.asyncDispose]();
      }
    }
    return current;
  }

  async open(name: Name): Promise<Directory> {
    return new Directory(await open(this.#at(name), OPEN_DIRECTORY));
  }

  async #openOrCreate(name: Name): Promise<Directory> {
    try {
      return await this.open(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const isNew = await mkdir(this.#at(name), 0o755).then(
      () => true,
      (error) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    const created = await this.open(name);
    if (isNew) await this.#giveToOwner(created.#handle);
    return created;
  }

  /** Names in no order, read bit by bit: a directory may hold millions. */
  async *names(): AsyncGenerator<Name> {
    const listing = await opendir(this.#at(), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    for await (const entry of listing) yield toName(entry.name as unknown as Buffer);
  }

  /** Says what is there without opening it; a link is itself. */
  async stat(name: Name): Promise<BigIntStats> {
    return await lstat(this.#at(name), { bigint: true });
  }

  /** Opens what must still be proved to be a regular file, by the handle. */
  async openFile(name: Name): Promise<FileHandle> {
    return await open(this.#at(name), OPEN_FILE);
  }

  /** Makes a file that was not there; it belongs to whom the directory belongs. */
  async createFile(name: Name, mode: number): Promise<FileHandle> {
    const handle = await open(this.#at(name), CREATE_FILE, mode);
    await this.#giveToOwner(handle);
    return handle;
  }

  async readLink(name: Name): Promise<Buffer> {
    return await readlink(this.#at(name), { encoding: 'buffer' });
  }

  async createLink(name: Name, target: Buffer): Promise<void> {
    await symlink(target, this.#at(name));
  }

  async rename(from: Name, to: Name): Promise<void> {
    await rename(this.#at(from), this.#at(to));
  }

  /** A second name for a file; unlike `rename` it never replaces another. */
  async link(from: Name, to: Name): Promise<void> {
    await link(this.#at(from), this.#at(to));
  }

  async unlink(name: Name): Promise<void> {
    await unlink(this.#at(name));
  }

  async removeDirectory(name: Name): Promise<void> {
    await rmdir(this.#at(name));
  }

  /** Deletes what the server may move, whatever is in it: at once, however much that is. */
  async takeAway(name: Name, remover: Remover): Promise<void> {
    await remover.takeFrom(this.#at(name));
  }

  /** Deletes a directory with all that is in it, which may grow meanwhile: then it is not empty, and that is said. */
  async removeTree(name: Name, depth = 0): Promise<void> {
    if (depth > MAX_DEPTH) {
      throw new AppError('file_conflict', `There are more than ${MAX_DEPTH} directories in one another.`);
    }
    {
      await using directory = await this.#openClosed(name);
      for await (const child of directory.names()) {
        const isDirectory = (await directory.stat(child)).isDirectory();
        await (isDirectory ? directory.removeTree(child, depth + 1) : directory.unlink(child));
      }
    }
    await this.removeDirectory(name);
  }

  /** Whoever may delete a directory with all that is in it may also open it, and that is what its owner does. */
  async #openClosed(name: Name): Promise<Directory> {
    const { mode, uid } = await this.stat(name);
    const isClosed = (mode & 0o700n) !== 0o700n && Number(uid) === process.getuid?.();
    if (isClosed) await makeUsable(this.#at(name));
    return await this.open(name);
  }

  // A confined agent may run as another user than the server, who would own what the server makes.
  async #giveToOwner(handle: FileHandle): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await this.#handle.stat();
    if (uid !== 0) await handle.chown(uid, gid);
  }

  #at(name?: Name): string | Buffer {
    const own = `/proc/self/fd/${this.#handle.fd}`;
    if (name === undefined) return own;
    return typeof name === 'string' ? `${own}/${name}` : Buffer.concat([Buffer.from(`${own}/`), name]);
  }

  /** For a child process that inherits the descriptor. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

function toName(bytes: Buffer): Name {
  const text = bytes.toString('utf8');
  return Buffer.byteLength(text) === bytes.length && Buffer.from(text).equals(bytes) ? text : bytes;
}

/** Linux has them. */
export function hasDescriptorPaths(): boolean {
  return existsSync('/proc/self/fd');
}

function requireDescriptorPaths(): void {
  if (hasDescriptorPaths()) return;
  throw new AppError('not_supported', 'Workspace files need Linux with /proc: there is none here.', {
    hint: 'run the server on Linux, or in a Linux container',
  });
}
