import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { HeldDirectory } from '../../ground/util/held-directory.ts';
import { isInside } from '../../ground/util/path-inside.ts';

/** Where git keeps what belongs to a checkout, when that is outside of it. */
export type GitDirectory = {
  /** As the checkout names it. */
  path: string;
  /** Null where there is none that could be opened. */
  directory: HeldDirectory | null;
  /** Whether it says itself that the checkout is one of its own: the file that names it is anybody's who works there. */
  namesCheckout: boolean;
};

/** What a pointer of git's may be at most: one path, or a small configuration. */
const MAX_BYTES = 64 * 1024;

/**
 * The git directory that a worktree, a submodule or a clone with `--separate-git-dir` needs beside its files; null where
 * it is among them, or there is none. Whoever asks gives it back.
 */
export async function openGitDirectory(checkout: HeldDirectory): Promise<GitDirectory | null> {
  const [, pointer] = /^gitdir: (.+)$/m.exec(await read(checkout, '.git')) ?? [];
  if (pointer === undefined) return null;
  const path = resolve(checkout.path, pointer);
  const gitDirectory = await realpath(path).catch(() => path);
  if (isInside(gitDirectory, checkout.path)) return null;
  const repository = worktreeOf(gitDirectory);
  const directory = await HeldDirectory.open(repository ?? gitDirectory).catch(() => null);
  if (directory === null) return { path, directory, namesCheckout: false };
  const named =
    repository === null
      ? await submoduleCheckout(directory)
      : await worktreeCheckout(directory, basename(gitDirectory));
  const namesCheckout =
    named !== null &&
    (await realpath(named).catch(() => null)) === checkout.path &&
    (await isRepository(directory));
  return { path: repository === null ? path : dirname(dirname(path)), directory, namesCheckout };
}

/** A directory above one that is called `worktrees` need not be one, and may hold more than who wrote there was given. */
async function isRepository(directory: HeldDirectory): Promise<boolean> {
  const objects = await lstat(directory.within('objects')).catch(() => null);
  return objects?.isDirectory() === true && (await read(directory, 'HEAD')) !== '';
}

/** The repository whose worktree has this git directory; null when it is none of a worktree. */
function worktreeOf(gitDirectory: string): string | null {
  const worktrees = dirname(gitDirectory);
  return basename(worktrees) === 'worktrees' ? dirname(worktrees) : null;
}

/** `worktrees/<name>/gitdir` has the path of the checkout's `.git`. */
async function worktreeCheckout(repository: HeldDirectory, name: string): Promise<string | null> {
  const path = (await read(repository, `worktrees/${name}/gitdir`)).trim();
  return path === '' ? null : dirname(resolve(repository.path, 'worktrees', name, path));
}

/** The configuration of a submodule names its checkout. */
async function submoduleCheckout(gitDirectory: HeldDirectory): Promise<string | null> {
  const [, path] = /^\s*worktree\s*=\s*(.+?)\s*$/m.exec(await read(gitDirectory, 'config')) ?? [];
  return path === undefined ? null : resolve(gitDirectory.path, path);
}

/** A small file in a directory; empty when there is none, or something else is there. */
async function read(directory: HeldDirectory, name: string): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(directory.within(name), flags).catch(() => null);
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) return '';
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return ''; // a directory, or what cannot be read
  } finally {
    await file.close();
  }
}
