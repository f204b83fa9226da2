import { once } from 'node:events';
import { Readable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { AppError } from '../ground/errors.ts';
import type { Directory, Name } from './directory.ts';
import { isForbidden } from './file-errors.ts';
import { type OpenFile, openRegular, UPLOAD_PREFIX } from './files.ts';
import { isGone, openIfThere, typeOf } from './listing.ts';
import { MAX_DEPTH } from './path.ts';

const MAX_FILES = 50_000;
const MAX_BYTES = 2 * 1024 ** 3;

export type Archive = {
  /** As tar has it. */
  content: Readable;
  /** What is closed to whoever packs it, and left out; directories with a slash at their end. */
  omitted: string[];
};

/** Takes what it is given over, and closes it at the end. */
export async function openArchive(directory: Directory): Promise<Archive> {
  await using stack = new AsyncDisposableStack();
  stack.use(directory);
  const omitted = await survey(directory);
  stack.move();
  const archive = pack();
  writeArchive(archive, directory).catch((error) => archive.destroy(error));
  return { content: toReadable(archive), omitted };
}

export function emptyArchive(): Archive {
  const archive = pack();
  archive.finalize();
  return { content: toReadable(archive), omitted: [] };
}

// The library's own kind of stream is not quite Node's.
function toReadable(archive: Pack): Readable {
  return Readable.from(archive, { objectMode: false }).once('close', () => archive.destroy());
}

async function writeArchive(archive: Pack, directory: Directory): Promise<void> {
  await using root = directory;
  await addEntries(archive, root, { prefix: '', depth: 0, budget: newBudget() });
  archive.finalize();
}

type Budget = { files: number; bytes: number };

const newBudget = (): Budget => ({ files: MAX_FILES, bytes: MAX_BYTES });

function spend(budget: Budget, bytes: number): void {
  budget.files -= 1;
  budget.bytes -= bytes;
  if (budget.files >= 0 && budget.bytes >= 0) return;
  const most = `${MAX_FILES} files or ${MAX_BYTES / 2 ** 30} GB`;
  throw new AppError('not_supported', `This is more than ${most}: too much for one archive.`, {
    hint: 'fetch one directory at a time with ?path=',
  });
}

type Survey = { budget: Budget; omitted: string[] };

/**
 * What is too large, or cannot be read, is said before the answer begins; what grows beyond it later breaks the archive
 * off.
 */
async function survey(directory: Directory): Promise<string[]> {
  const found: Survey = { budget: newBudget(), omitted: [] };
  await surveyEntries(directory, { prefix: '', depth: 0 }, found);
  return found.omitted.toSorted();
}

async function surveyEntries(
  directory: Directory,
  { prefix, depth }: { prefix: string; depth: number },
  found: Survey,
): Promise<void> {
  for await (const name of entryNames(directory, depth)) {
    let label = prefix + name;
    try {
      const stats = await directory.stat(name);
      spend(found.budget, stats.isFile() ? Number(stats.size) : 0);
      if (stats.isFile() && !(await directory.mayRead(name, stats))) found.omitted.push(label);
      if (!stats.isDirectory()) continue;
      label += '/';
      await using child = await openIfThere(directory, name);
      if (child !== null) await surveyEntries(child, { prefix: label, depth: depth + 1 }, found);
    } catch (error) {
      if (isForbidden(error)) found.omitted.push(label);
      else if (!isGone(error)) throw error;
    }
  }
}

type Place = { prefix: string; depth: number; budget: Budget };

async function addEntries(archive: Pack, directory: Directory, place: Place): Promise<void> {
  for await (const name of entryNames(directory, place.depth)) {
    try {
      await addEntry(archive, directory, name, place);
    } catch (error) {
      if (!isSkipped(error)) throw error;
    }
  }
}

function isSkipped(error: unknown): boolean {
  const { code } = error as { code?: string };
  return isGone(error) || code === 'not_regular_file' || isForbidden(error);
}

async function addEntry(archive: Pack, directory: Directory, name: string, place: Place): Promise<void> {
  const stats = await directory.stat(name);
  const header = {
    name: place.prefix + name,
    mode: Number(stats.mode & 0o777n),
    mtime: new Date(Math.max(0, Number(stats.mtimeMs))),
  };
  const type = typeOf(stats);
  if (type === 'file') {
    const file = await openRegular(directory, name, header.name);
    spend(place.budget, Number(file.stats.size));
    await addFile(archive, header, file);
  } else if (type === 'link') {
    spend(place.budget, 0);
    archive.entry({ ...header, type: 'symlink', linkname: (await directory.readLink(name)).toString() });
  } else if (type === 'directory') {
    spend(place.budget, 0);
    await using child = await directory.open(name);
    archive.entry({ ...header, name: `${header.name}/`, type: 'directory' });
    await addEntries(archive, child, { ...place, prefix: `${header.name}/`, depth: place.depth + 1 });
  }
}

async function addFile(
  archive: Pack,
  header: { name: string; mode: number; mtime: Date },
  { handle, stats }: OpenFile,
): Promise<void> {
  await using file = handle;
  const size = Number(stats.size);
  const written = Promise.withResolvers<void>();
  written.promise.catch(() => {});
  const entry = archive.entry({ ...header, type: 'file', size }, (error) =>
    error ? written.reject(error) : written.resolve(),
  );
  for await (const chunk of readPadded(file, size)) {
    // The entry is also at its end when the archive is, because its reader went away.
    if (!entry.write(chunk)) await Promise.race([once(entry, 'drain'), written.promise]);
  }
  entry.end();
  await written.promise;
}

/** The size stands in the header: what grows is cut, and what shrinks meanwhile is filled up with zeros, as tar does. */
async function* readPadded(handle: OpenFile['handle'], size: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < size; ) {
    const buffer = Buffer.alloc(Math.min(64 * 1024, size - done));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, done);
    const chunk = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    done += chunk.length;
    yield chunk;
  }
}

async function* entryNames(directory: Directory, depth: number): AsyncGenerator<string> {
  if (depth > MAX_DEPTH) return;
  for await (const name of directory.names()) if (isArchived(name)) yield name;
}

// Names that are not UTF-8 cannot be told in the API either.
function isArchived(name: Name): name is string {
  return typeof name === 'string' && !name.startsWith(UPLOAD_PREFIX);
}
