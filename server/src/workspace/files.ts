import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { AppError } from '../ground/errors.ts';
import type { Remover } from '../ground/removal/remover.ts';
import type { Directory, Name } from './directory.ts';
import type { Allowance } from './disk/session-disk.ts';
import { isMissing, notRegular } from './file-errors.ts';
import { splitPath, type WorkspacePath } from './path.ts';

export const MAX_FILE_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
/** A file that is still being written; not the session's, and not in archives and snapshots. */
export const UPLOAD_PREFIX = '.greenroom-upload-';

export type OpenFile = { handle: FileHandle; stats: BigIntStats };

/** What is at the end of a path: an open directory, or an open regular file. Anything else is refused. */
export async function openPath(root: Directory, path: WorkspacePath): Promise<Directory | OpenFile> {
  if (path.length === 0) return await root.walk([]);
  const { parent, name } = splitPath(path);
  await using directory = await root.walk(parent);
  const stats = await directory.stat(name);
  if (stats.isDirectory()) return await directory.open(name);
  if (stats.isSymbolicLink())
    throw notRegular(path.join('/'), 'it is a symbolic link: links are never followed');
  return await openRegular(directory, name, path.join('/'));
}

/** Opens a file; the type is known for sure only from the handle. */
export async function openRegular(directory: Directory, name: Name, label: string): Promise<OpenFile> {
  const handle = await directory.openFile(name);
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw notRegular(label, 'it is a pipe, a socket or a device');
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Exactly `length` bytes, or an error: a file that shrinks meanwhile must not look like a whole one. Closes the file. */
export function streamFile(handle: FileHandle, range: { start: number; length: number }): Readable {
  const stream = Readable.from(readRange(handle, range), { objectMode: false });
  // Not in the generator, which may never be started.
  return stream.once('close', () => void handle.close().catch(() => {}));
}

async function* readRange(
  handle: FileHandle,
  { start, length }: { start: number; length: number },
): AsyncGenerator<Buffer> {
  for (let done = 0; done < length; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length - done));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start + done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The file as it is now, but no more of it than `size`. */
export async function readWhole(handle: FileHandle, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await handle.read(buffer, done, size - done, done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

/** Differs whenever the content may differ: the kernel changes the change time, nobody else can set it. */
export function entityTag({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `"${[ino, size, mtimeNs, ctimeNs].map((value) => value.toString(36)).join('-')}"`;
}

/** Conditions of RFC 9110 under which a file is written. */
export type WriteConditions = { ifMatch: string | null; onlyIfMissing: boolean };

export type FileWrite = {
  content: Readable;
  conditions: WriteConditions;
  /** Null where the directory is not the server's. */
  allowance: Allowance | null;
};

/**
 * Writes a file whole or not at all: into a new file beside it, which then takes its name. The directories on the way
 * are made.
 */
export async function writeFile(
  root: Directory,
  path: WorkspacePath,
  { content, conditions, allowance }: FileWrite,
): Promise<{ stats: BigIntStats; isNew: boolean }> {
  const { parent, name } = splitPath(path);
  const label = path.join('/');
  await using directory = await root.walk(parent, { create: true });
  const before = await findReplaceable(directory, name, label);
  checkConditions(before, conditions, label);
  const temporary = `${UPLOAD_PREFIX}${randomUUID()}`;
  await using handle = await directory.createFile(temporary, modeOf(before));
  try {
    await writeContent(handle, { content, allowance }, label);
    checkConditions(await findReplaceable(directory, name, label), conditions, label);
    if (conditions.onlyIfMissing) await linkExclusively(directory, { temporary, name, label });
    else await directory.rename(temporary, name);
    // Only now: its new name counts as a change.
    return { stats: await handle.stat({ bigint: true }), isNew: before === null };
  } catch (error) {
    await directory.unlink(temporary).catch(() => {});
    throw error;
  }
}

async function findReplaceable(
  directory: Directory,
  name: string,
  label: string,
): Promise<BigIntStats | null> {
  const stats = await directory.stat(name).catch((error) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (stats?.isDirectory()) throw new AppError('file_conflict', `"${label}" is a directory.`);
  if (stats !== null && !stats.isFile()) {
    throw notRegular(label, 'it is a link, a pipe, a socket or a device; delete it first');
  }
  return stats;
}

function checkConditions(
  stats: BigIntStats | null,
  { ifMatch, onlyIfMissing }: WriteConditions,
  label: string,
): void {
  if (onlyIfMissing && stats !== null) throw preconditionFailed(`There is already a "${label}".`);
  if (ifMatch === null) return;
  if (stats === null) throw preconditionFailed(`There is no "${label}" any more.`);
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (!tags.includes('*') && !tags.includes(entityTag(stats))) {
    throw preconditionFailed(`"${label}" was changed since it was read.`);
  }
}

function preconditionFailed(message: string): AppError {
  return new AppError('precondition_failed', message, {
    hint: 'read it again, then write with its new etag',
  });
}

const PERMISSIONS = 0o777n;

function modeOf(before: BigIntStats | null): number {
  return before === null ? 0o644 : Number(before.mode & PERMISSIONS);
}

async function writeContent(
  handle: FileHandle,
  { content, allowance }: Pick<FileWrite, 'content' | 'allowance'>,
  label: string,
): Promise<void> {
  let size = 0;
  try {
    // To destroy the stream is to destroy the connection, and with it the answer.
    const chunks: AsyncIterable<Buffer> = content.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) throw tooLarge(label);
      allowance?.take(chunk.length);
      await writeWhole(handle, chunk);
    }
  } catch (error) {
    if (error !== content.errored) throw error;
    throw new AppError('malformed_body', 'The upload broke off before its end.', { cause: error });
  }
}

// A full disk may take a part of it before it says so.
async function writeWhole(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done);
    done += bytesWritten;
  }
}

export function tooLarge(label: string): AppError {
  return new AppError('body_too_large', `"${label}" is larger than ${MAX_FILE_BYTES / 2 ** 20} MB.`);
}

async function linkExclusively(
  directory: Directory,
  { temporary, name, label }: { temporary: string; name: string; label: string },
): Promise<void> {
  try {
    await directory.link(temporary, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw preconditionFailed(`There is already a "${label}".`);
  }
  await directory.unlink(temporary);
}

/**
 * Deletes a file, a link, or a directory: an empty one, or with all that is in it.
 *
 * @param remover takes over what is on its file system; null where the directory is not the server's
 */
export async function deletePath(
  root: Directory,
  path: WorkspacePath,
  { recursive, remover }: { recursive: boolean; remover: Remover | null },
): Promise<void> {
  const { parent, name } = splitPath(path);
  await using directory = await root.walk(parent);
  if (!(await directory.stat(name)).isDirectory()) await directory.unlink(name);
  else if (!recursive) await directory.removeDirectory(name);
  else if (remover !== null) await directory.takeAway(name, remover);
  else await directory.removeTree(name);
}
