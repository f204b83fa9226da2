import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { hasDescriptorPaths, O_PATH } from './descriptors.ts';

const HOLD =
  (hasDescriptorPaths ? O_PATH : constants.O_RDONLY) | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens the directory at a path, and no other: one that is reached by a link, wherever on the way, is ENOTDIR. Where the
 * opened one is, the kernel says by the descriptor; a path that was checked before, or is after, proves nothing.
 *
 * @param path absolute, free of symbolic links
 */
export async function openDirectory(path: string, flags: number): Promise<FileHandle> {
  const handle = await open(path, flags);
  const own = `/proc/self/fd/${handle.fd}`;
  const actual = await (hasDescriptorPaths ? readlink(own) : realpath(path)).catch(() => null);
  if (actual === path) return handle;
  await handle.close();
  throw Object.assign(new Error(`${path} leads to ${actual}`), { code: 'ENOTDIR' });
}

/** What tells a directory from all others for as long as it is held. */
type Identity = { dev: bigint; ino: bigint };

/** A directory that stays the one that was opened, whatever is put at its path afterwards. */
export class HeldDirectory {
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Throws as `openDirectory` does. */
  static async open(path: string): Promise<HeldDirectory> {
    return new HeldDirectory(path, await openDirectory(path, HOLD));
  }

  /** For a child process that inherits it. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /** A path that leads into this directory and into no other, for this process alone. Only where there is `/proc`. */
  within(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  async stat(): Promise<Identity & { uid: number; gid: number; mode: number }> {
    const { dev, ino, uid, gid, mode } = await this.#handle.stat({ bigint: true });
    return { dev, ino, uid: Number(uid), gid: Number(gid), mode: Number(mode) };
  }

  /** Whether its path still leads to it. */
  async isInPlace(): Promise<boolean> {
    const there = await stat(this.path, { bigint: true }).catch(() => null);
    return there !== null && isSame(there, await this.stat());
  }

  /** Whether it is the other, or lies in it; under another name as well, as a mount gives one. */
  async isInside(other: HeldDirectory): Promise<boolean> {
    const sought = await other.stat();
    let place: Identity = await this.stat();
    for (let up = '..'; !isSame(place, sought); up += '/..') {
      const above = await stat(this.within(up), { bigint: true });
      if (isSame(above, place)) return false;
      place = above;
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}
