import { constants } from 'node:fs';
import { type FileHandle, open, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../ground/errors.ts';
import { isInside } from '../../ground/util/path-inside.ts';

/** A file of the build that is open. Exactly one of its stream and `close` is used. */
export type ConsoleFile = { handle: FileHandle; size: number; modifiedMs: number; encoding: string | null };

/** What the build puts beside a file: the same, compressed. Best first. */
export const encodings = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Opens a file of the build, in the first of the accepted encodings that it is there in; undefined where there is none. */
export async function openConsoleFile(
  directory: string,
  { name, accepted }: { name: string; accepted: readonly string[] },
): Promise<ConsoleFile | undefined> {
  const plain = await openWithin(directory, name);
  if (plain === undefined) return undefined;
  for (const { name: encoding, suffix } of encodings) {
    if (!accepted.includes(encoding)) continue;
    const compressed = await openWithin(directory, name + suffix);
    if (compressed === undefined) continue;
    await plain.handle.close();
    return { ...compressed, encoding };
  }
  return { ...plain, encoding: null };
}

/** Only what is named without a link on the way: a path that means another place is no file of the build. */
async function openWithin(
  directory: string,
  name: string,
): Promise<Omit<ConsoleFile, 'encoding'> | undefined> {
  try {
    const root = await realpath(directory);
    const path = join(root, name);
    if (!isInside(path, root) || (await realpath(path)) !== path) return undefined;
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const { size, mtimeMs, isFile } = await describeFile(handle);
    if (isFile) return { handle, size, modifiedMs: mtimeMs };
    await handle.close();
    return undefined;
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function describeFile(handle: FileHandle): Promise<{ size: number; mtimeMs: number; isFile: boolean }> {
  const stats = await handle.stat();
  return { size: stats.size, mtimeMs: stats.mtimeMs, isFile: stats.isFile() };
}

/** The page itself, as the build made it. */
export async function readConsoleIndex(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, 'index.html'), 'utf8');
  } catch (error) {
    if (!ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw new AppError('console_not_built', 'The console was not built on this server.', {
      cause: error,
      hint: 'in the directory of the server: npm run build --workspace console',
    });
  }
}
