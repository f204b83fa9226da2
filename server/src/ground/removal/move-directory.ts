import { chmod, constants, open, rename } from 'node:fs/promises';
import { O_PATH } from '../util/descriptors.ts';

/**
 * Gives something another name, on the same file system. A directory that goes elsewhere has to be writable itself, and
 * is made so where whoever wrote it took that away.
 */
export async function moveDirectory(from: string | Buffer, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    await makeUsable(from);
    await rename(from, to);
  }
}

/** Gives the owner of a directory all rights in it; a link in its place is not followed. */
export async function makeUsable(path: string | Buffer): Promise<void> {
  await using handle = await open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await chmod(`/proc/self/fd/${handle.fd}`, 0o700);
}
