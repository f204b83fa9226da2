import type { BigIntStats } from 'node:fs';
import { chmod, constants, copyFile, lchown, lutimes, mkdir, symlink } from 'node:fs/promises';
import { AppError } from '../ground/errors.ts';
import { Directory, type Name } from './directory.ts';
import type { Allowance } from './disk/session-disk.ts';
import { fileError, isForbidden } from './file-errors.ts';
import { openRegular, UPLOAD_PREFIX } from './files.ts';
import { type FileEntry, isGone, typeOf } from './listing.ts';
import { MAX_DEPTH } from './path.ts';

const MAX_ENTRIES = 50_000;
const MAX_BYTES = 2 * 1024 ** 3;
/** The file system answers several requests faster than one after the other. */
const AT_ONCE = 16;

/**
 * Copies a workspace to a place that nobody else knows yet. An agent may work in it meanwhile: what vanishes is left
 * out, and so is what is closed to the server. Links are copied as links and never followed; pipes, sockets and devices
 * are left out.
 *
 * @param from absolute, free of symbolic links
 * @returns what was closed to the server, directories with a slash at their end; null when there is no such workspace.
 * Throws `not_supported` when it is too much, `storage` when the disk is full; what was copied by then is left to the
 * caller.
 */
export async function copyWorkspace(
  from: string,
  to: string,
  allowance: Allowance | null = null,
): Promise<string[] | null> {
  return await ifThere('', async () => {
    await using source = await Directory.openRoot(from);
    await mkdir(to, { recursive: true, mode: 0o700 });
    const budget = { entries: MAX_ENTRIES, bytes: MAX_BYTES, allowance };
    const omitted: string[] = [];
    await copyEntries(source, { target: Buffer.from(to), label: '', depth: 0, budget, omitted });
    return omitted.toSorted();
  });
}

type Budget = { entries: number; bytes: number; allowance: Allowance | null };
/** Where a directory's entries go; `label` names it in messages. */
type Place = { target: Buffer; label: string; depth: number; budget: Budget; omitted: string[] };

async function copyEntries(source: Directory, place: Place): Promise<void> {
  if (place.depth > MAX_DEPTH) throw tooMuch(`has more than ${MAX_DEPTH} directories in one another`);
  const directories: Name[] = [];
  let batch: Name[] = [];
  const copyBatch = async (): Promise<void> => {
    const copies = batch.map(async (name) => {
      if ((await copyEntry(source, name, place)) === 'directory') directories.push(name);
    });
    batch = [];
    const failed = (await Promise.allSettled(copies)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  for await (const name of source.names()) {
    if (typeof name === 'string' && name.startsWith(UPLOAD_PREFIX)) continue;
    if (batch.push(name) >= AT_ONCE) await copyBatch();
  }
  await copyBatch();
  // One after the other: every one that is open costs a file descriptor.
  for (const name of directories) await copyTree(source, name, place);
}

/** Copies all but directories. */
async function copyEntry(source: Directory, name: Name, place: Place): Promise<FileEntry['type'] | null> {
  const { target, label } = below(place, name);
  return await tolerant(place, label, async () => {
    const stats = await source.stat(name);
    spend(place.budget, stats);
    const type = typeOf(stats);
    if (type === 'file') await copyContent(source, name, { target, label });
    if (type === 'link') {
      await symlink(await source.readLink(name), target);
      await keepOwnerAndTimes(target, stats);
    }
    return type;
  });
}

async function copyTree(source: Directory, name: Name, place: Place): Promise<void> {
  const { target, label } = below(place, name);
  await tolerant(place, `${label}/`, async () => {
    await using directory = await source.open(name);
    const stats = await source.stat(name);
    await mkdir(target, { mode: 0o700 });
    await copyEntries(directory, { ...place, target, label: `${label}/`, depth: place.depth + 1 });
    // At the end: it may be read-only, and its times change with what is put into it.
    await keepAttributes(target, stats);
  });
}

function below(place: Place, name: Name): { target: Buffer; label: string } {
  const target = Buffer.concat([place.target, Buffer.from('/'), Buffer.from(name)]);
  return { target, label: place.label + name.toString() };
}

/** @returns null for what is no longer what it was, or closed: then it is noted */
async function tolerant<T>({ omitted }: Place, label: string, copy: () => Promise<T>): Promise<T | null> {
  return await ifThere(label, async () => {
    try {
      return await copy();
    } catch (error) {
      if (!isForbidden(error)) throw error;
      omitted.push(label);
      return null;
    }
  });
}

/** @returns null for what is no longer what it was */
async function ifThere<T>(label: string, copy: () => Promise<T>): Promise<T | null> {
  try {
    return await copy();
  } catch (error) {
    if (isGone(error) || (error instanceof AppError && error.code === 'not_regular_file')) return null;
    throw error instanceof AppError ? error : fileError(error, label);
  }
}

async function copyContent(
  source: Directory,
  name: Name,
  { target, label }: { target: Buffer; label: string },
): Promise<void> {
  const { handle, stats } = await openRegular(source, name, label);
  await using file = handle;
  // By the descriptor: the name may be another file's by now. A file system that can share the blocks does so.
  const mode = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
  await copyFile(`/proc/self/fd/${file.fd}`, target, mode);
  await keepAttributes(target, stats);
}

async function keepAttributes(target: Buffer, stats: BigIntStats): Promise<void> {
  await chmod(target, Number(stats.mode & 0o777n));
  await keepOwnerAndTimes(target, stats);
}

async function keepOwnerAndTimes(target: Buffer, stats: BigIntStats): Promise<void> {
  // A confined agent may run as another user than the server.
  if (process.getuid?.() === 0) await lchown(target, Number(stats.uid), Number(stats.gid));
  await lutimes(target, Number(stats.atimeMs) / 1000, Number(stats.mtimeMs) / 1000);
}

function spend(budget: Budget, stats: BigIntStats): void {
  budget.entries -= 1;
  const bytes = stats.isFile() ? Number(stats.size) : 0;
  budget.bytes -= bytes;
  budget.allowance?.take(bytes);
  if (budget.entries >= 0 && budget.bytes >= 0) return;
  throw tooMuch(`has more than ${MAX_ENTRIES} files, or ${MAX_BYTES / 2 ** 30} GB`);
}

function tooMuch(what: string): AppError {
  return new AppError('not_supported', `The workspace ${what}: too much to be copied.`, {
    hint: 'delete what can be made again',
  });
}
