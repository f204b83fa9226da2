import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { errorMessage } from '../ground/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import type { RawChange } from './diff.ts';
import type { Directory } from './directory.ts';
import type { Allowance } from './disk/session-disk.ts';
import { fileError, isMissing } from './file-errors.ts';
import { UPLOAD_PREFIX } from './files.ts';
import type { GitRepository } from './git.ts';
import { splitPath, type WorkspacePath } from './path.ts';

const NEWLINE = 0x0a;
const LINK_MODE = '120000';
const EXECUTABLE_MODE = '100755';

/** A file that could not be restored, since something that no snapshot has is in its way. */
export type Conflict = { path: string; reason: string };

export type Restoration = {
  repository: GitRepository;
  changes: readonly RawChange[];
  allowance: Allowance | null;
};

/**
 * Makes the workspace what `changes` leads to. Written by us and not by `git checkout`: a directory that is swapped for
 * a link in the middle must not lead a write out of the workspace.
 */
export async function restoreFiles(
  root: Directory,
  { repository, changes, allowance }: Restoration,
): Promise<Conflict[]> {
  const conflicts: Conflict[] = [];
  const attempt = async (path: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      conflicts.push(toConflict(path, error));
    }
  };
  for (const { path, status } of changes) {
    // First: a file may have to go where a directory was, and the other way round.
    if (status === 'deleted') await attempt(path, async () => await remove(root, path.split('/')));
  }
  const written = changes.filter(({ status }) => status !== 'deleted');
  using contents = new ContentReader(repository, written);
  for (const change of written) {
    const content = await contents.next();
    allowance?.take(content.length);
    await attempt(change.path, async () => await write(root, change, content));
  }
  return conflicts;
}

function toConflict(path: string, error: unknown): Conflict {
  const known = fileError(error, path);
  const { code } = known as { code?: string };
  if (known === error || code === 'storage') throw known;
  return { path, reason: errorMessage(known) };
}

/** Deletes a file, and the directories that are empty without it. */
async function remove(root: Directory, path: WorkspacePath): Promise<void> {
  const { parent, name } = splitPath(path);
  {
    await using directory = await root.walk(parent);
    await directory.unlink(name).catch(ignoreMissing);
  }
  for (let empty = parent; empty.length > 0; empty = empty.slice(0, -1)) {
    const above = splitPath(empty);
    await using directory = await root.walk(above.parent);
    const isRemoved = await directory.removeDirectory(above.name).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}

async function write(root: Directory, { path, mode }: RawChange, content: Buffer): Promise<void> {
  const { parent, name } = splitPath(path.split('/'));
  await using directory = await root.walk(parent, { create: true });
  const before = await directory.stat(name).catch((error) => ignoreMissing(error) ?? null);
  if (before?.isDirectory()) await directory.removeDirectory(name);
  const temporary = `${UPLOAD_PREFIX}${randomUUID()}`;
  try {
    if (mode === LINK_MODE) await directory.createLink(temporary, content);
    else await writeNew(directory, temporary, { content, permissions: permissionsFor(mode, before) });
    await directory.rename(temporary, name);
  } catch (error) {
    await directory.unlink(temporary).catch(() => {});
    throw error;
  }
}

async function writeNew(
  directory: Directory,
  name: string,
  { content, permissions }: { content: Buffer; permissions: number },
): Promise<void> {
  await using handle = await directory.createFile(name, permissions);
  await handle.writeFile(content);
}

/** A snapshot knows only whether a file is executable; the rest stays as it is. */
function permissionsFor(mode: string, before: BigIntStats | null): number {
  const kept = before?.isFile() ? Number(before.mode & 0o777n) : 0o644;
  return mode === EXECUTABLE_MODE ? kept | ((kept & 0o444) >> 2) : kept & ~0o111;
}

/** Reads the contents of the changes, one after the other. */
class ContentReader {
  readonly #git;
  readonly #answers: ByteReader;

  constructor(repository: GitRepository, changes: readonly RawChange[]) {
    const input = changes.map(({ hash }) => `${hash}\n`).join('');
    this.#git = repository.start(['cat-file', '--batch'], { input });
    this.#answers = this.#git.read();
  }

  async next(): Promise<Buffer> {
    const header = (await this.#answers.until(NEWLINE)).toString();
    const [, type, size] = header.split(' ');
    if (type !== 'blob') throw new Error(`the history lacks a file: ${header}`);
    const content = await this.#answers.exactly(Number(size));
    await this.#answers.exactly(1);
    return content;
  }

  [Symbol.dispose](): void {
    this.#git[Symbol.dispose]();
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
