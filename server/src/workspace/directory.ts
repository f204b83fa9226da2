import { type BigIntStats, constants } from 'node:fs';
import {
  access,
  chown,
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
import { AppError } from '../ground/errors.ts';
import { makeUsable } from '../ground/removal/move-directory.ts';
import type { Remover } from '../ground/removal/remover.ts';
import { hasDescriptorPaths, O_PATH } from '../ground/util/descriptors.ts';
import { openDirectory } from '../ground/util/held-directory.ts';
import { PASS, permits, READ, WRITE } from '../ground/util/permits.ts';
import { type Actor, forbidden } from './actor.ts';
import { MAX_DEPTH, type WorkspacePath } from './path.ts';

/** A name in a directory; bytes where it is not UTF-8. */
export type Name = string | Buffer;

const STICKY = 0o1000;
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
  readonly #actor: Actor | null;

  private constructor(handle: FileHandle, actor: Actor | null) {
    this.#handle = handle;
    this.#actor = actor;
  }

  /**
   * @param path absolute, free of symbolic links
   * @param actor whose rights hold in it and below; null is the server
   */
  static async openRoot(path: string, actor: Actor | null = null): Promise<Directory> {
    requireDescriptorPaths();
    return new Directory(await openDirectory(path, OPEN_DIRECTORY), actor);
  }

  /** Opens the directory at the end of a path, one name after the other. */
  async walk(path: WorkspacePath, options: { create?: boolean } = {}): Promise<Directory> {
    const own = await open(this.#at(), OPEN_DIRECTORY & ~constants.O_NOFOLLOW);
    let current: Directory = new Directory(own, this.#actor);
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
    await this.#require(PASS);
    return new Directory(await this.#readable(await open(this.#at(name), OPEN_DIRECTORY)), this.#actor);
  }

  async #openOrCreate(name: Name): Promise<Directory> {
    try {
      return await this.open(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await this.#require(WRITE | PASS);
    const isNew = await mkdir(this.#at(name), 0o755).then(
      () => true,
      (error) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (isNew) await this.#giveNew(name);
    return await this.open(name);
  }

  /** A directory that was just made. What somebody has put in its place meanwhile stays whose it is. */
  async #giveNew(name: Name): Promise<void> {
    await using handle = await open(this.#at(name), OPEN_DIRECTORY);
    const { uid } = await handle.stat();
    if (uid === process.getuid?.() && (await isEmpty(handle))) await this.#giveToOwner(handle);
  }

  /** Names in no order, read bit by bit: a directory may hold millions. */
  async *names(): AsyncGenerator<Name> {
    await this.#require(READ);
    const listing = await opendir(this.#at(), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 });
    for await (const entry of listing) yield toName(entry.name as unknown as Buffer);
  }

  /** Says what is there without opening it; a link is itself. */
  async stat(name: Name): Promise<BigIntStats> {
    await this.#require(PASS);
    return await lstat(this.#at(name), { bigint: true });
  }

  /** Opens what must still be proved to be a regular file, by the handle. */
  async openFile(name: Name): Promise<FileHandle> {
    await this.#require(PASS);
    return await this.#readable(await open(this.#at(name), OPEN_FILE));
  }

  /** Whether a file that was looked at can be opened; it may be another one by then. */
  async mayRead(name: Name, stats: BigIntStats): Promise<boolean> {
    if (this.#actor !== null) return permits(stats, this.#actor, READ);
    return await access(this.#at(name), constants.R_OK).then(
      () => true,
      () => false,
    );
  }

  /** Whether all that is in it is its actor's to see, by owning it. */
  async isOwn(): Promise<boolean> {
    return this.#actor === null || (await this.#handle.stat()).uid === this.#actor.uid;
  }

  /** Makes a file that was not there; it belongs to whom the directory belongs. */
  async createFile(name: Name, mode: number): Promise<FileHandle> {
    await this.#require(WRITE | PASS);
    const handle = await open(this.#at(name), CREATE_FILE, mode);
    await this.#giveToOwner(handle);
    return handle;
  }

  async readLink(name: Name): Promise<Buffer> {
    await this.#require(PASS);
    return await readlink(this.#at(name), { encoding: 'buffer' });
  }

  async createLink(name: Name, target: Buffer): Promise<void> {
    await this.#require(WRITE | PASS);
    await symlink(target, this.#at(name));
    if (this.#actor === null) return;
    // By its descriptor: somebody may have put a file of another user in its place.
    await using handle = await open(this.#at(name), O_PATH | constants.O_NOFOLLOW);
    if (!(await handle.stat()).isSymbolicLink()) return;
    await chown(`/proc/self/fd/${handle.fd}`, this.#actor.uid, this.#actor.gid);
  }

  async rename(from: Name, to: Name): Promise<void> {
    await this.#requireRemovable(from);
    await this.#requireRemovable(to);
    await rename(this.#at(from), this.#at(to));
  }

  /** A second name for a file; unlike `rename` it never replaces another. */
  async link(from: Name, to: Name): Promise<void> {
    await this.#require(WRITE | PASS);
    await link(this.#at(from), this.#at(to));
  }

  async unlink(name: Name): Promise<void> {
    await this.#requireRemovable(name);
    await unlink(this.#at(name));
  }

  async removeDirectory(name: Name): Promise<void> {
    await this.#requireRemovable(name);
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
    const isClosed = (mode & 0o700n) !== 0o700n && Number(uid) === (this.#actor?.uid ?? process.getuid?.());
    if (isClosed) await makeUsable(this.#at(name));
    return await this.open(name);
  }

  /** What was opened, if the actor may read it. */
  async #readable(handle: FileHandle): Promise<FileHandle> {
    if (this.#actor === null || permits(await handle.stat(), this.#actor, READ)) return handle;
    await handle.close();
    throw forbidden();
  }

  /** That the actor has these rights in the directory; for the server the kernel looks. */
  async #require(rights: number): Promise<void> {
    if (this.#actor === null || permits(await this.#handle.stat(), this.#actor, rights)) return;
    throw forbidden();
  }

  /** That the actor may take away or replace what has the name, if anything does. */
  async #requireRemovable(name: Name): Promise<void> {
    const actor = this.#actor;
    if (actor === null) return;
    await this.#require(WRITE | PASS);
    const { mode, uid } = await this.#handle.stat();
    if ((mode & STICKY) === 0 || uid === actor.uid) return;
    const owner = await lstat(this.#at(name)).catch(() => null);
    if (owner !== null && owner.uid !== actor.uid) throw forbidden();
  }

  // A confined agent may run as another user than the server, who would own what the server makes.
  async #giveToOwner(handle: FileHandle): Promise<void> {
    if (this.#actor !== null) return await handle.chown(this.#actor.uid, this.#actor.gid);
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

async function isEmpty({ fd }: FileHandle): Promise<boolean> {
  await using listing = await opendir(`/proc/self/fd/${fd}`);
  return (await listing.read()) === null;
}

function toName(bytes: Buffer): Name {
  const text = bytes.toString('utf8');
  return Buffer.byteLength(text) === bytes.length && Buffer.from(text).equals(bytes) ? text : bytes;
}

function requireDescriptorPaths(): void {
  if (hasDescriptorPaths) return;
  throw new AppError('not_supported', 'Workspace files need Linux with /proc: there is none here.', {
    hint: 'run the server on Linux, or in a Linux container',
  });
}
