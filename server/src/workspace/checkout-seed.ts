import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Directory } from './directory.ts';
import { openRegular, readWhole } from './files.ts';
import type { GitRepository } from './git.ts';
import { isGone } from './listing.ts';
import type { FileMode } from './snapshot-import.ts';
import { makeStamp, type TrackedFiles } from './tracked-files.ts';

const MAX_INDEX_BYTES = 64 * 1024 ** 2;
const MAX_EXCLUDE_BYTES = 1024 ** 2;
/** Where a child process finds the descriptor that it inherits. */
const INHERITED = '/proc/self/fd/3';

/**
 * Takes over from a git checkout what its index knows: which files are tracked, and the contents of those that were not
 * touched since. So a large checkout need not be read. The objects are copied: later garbage collections there do not
 * matter. Whatever is odd (a linked worktree, borrowed objects, SHA-256) gives nothing, and then every file is read.
 */
export async function seedFromCheckout(root: Directory, repository: GitRepository): Promise<TrackedFiles> {
  const files: TrackedFiles = new Map();
  try {
    await using git = await root.walk(['.git']);
    await copyExcludes(git, repository);
    await using objects = await git.open('objects');
    // Its contents are read by git, which asks nobody.
    if (!(await objects.isOwn()) || (await hasAlternates(objects))) return files;
    const index = await copyIndex(git, repository);
    if (index === null) return files;
    const entries = await readIndex(repository, index);
    const present = await importObjects(repository, entries, objects.descriptor);
    for (const { path, mode, hash, size, stamp } of entries) {
      const isUsable = present.get(hash) === size && stamp !== null;
      files.set(path, { mode, hash, size, stamp: isUsable ? stamp : null });
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return files;
}

async function hasAlternates(objects: Directory): Promise<boolean> {
  await using info = await objects.open('info');
  return await info.stat('alternates').then(
    () => true,
    () => false,
  );
}

async function copyExcludes(git: Directory, repository: GitRepository): Promise<void> {
  try {
    await using info = await git.open('info');
    const excludes = await readSmall(info, 'exclude', MAX_EXCLUDE_BYTES);
    if (excludes === null) return;
    await mkdir(join(repository.directory, 'info'), { recursive: true });
    await writeFile(join(repository.directory, 'info', 'exclude'), excludes.content);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

type Index = { path: string; writtenNs: bigint };

async function copyIndex(git: Directory, repository: GitRepository): Promise<Index | null> {
  const index = await readSmall(git, 'index', MAX_INDEX_BYTES);
  if (index === null) return null;
  const path = join(repository.directory, 'checkout-index');
  await writeFile(path, index.content);
  return { path, writtenNs: index.modifiedNs };
}

async function readSmall(
  directory: Directory,
  name: string,
  limit: number,
): Promise<{ content: Buffer; modifiedNs: bigint } | null> {
  const { handle, stats } = await openRegular(directory, name, name);
  await using file = handle;
  if (stats.size > limit) return null;
  return { content: await readWhole(file, Number(stats.size)), modifiedNs: stats.mtimeNs };
}

type IndexEntry = { path: string; mode: FileMode; hash: string; size: number; stamp: string | null };

const entryLine = /^(100644|100755|120000) ([0-9a-f]{40}) 0\t(.*)$/s;
const statLines =
  /^ {2}ctime: (\d+):(\d+)\n {2}mtime: (\d+):(\d+)\n {2}dev: \d+\tino: (\d+)\n {2}uid: \d+\tgid: \d+\n {2}size: (\d+)\tflags: [0-9a-f]+\n/;

async function readIndex(repository: GitRepository, index: Index): Promise<IndexEntry[]> {
  const { output } = await repository.run(['-c', 'core.bare=false', 'ls-files', '--stage', '--debug', '-z'], {
    env: { GIT_INDEX_FILE: index.path, GIT_WORK_TREE: repository.directory },
  });
  const entries: IndexEntry[] = [];
  let [line, ...rest] = output.toString('utf8').split('\0');
  for (const chunk of rest) {
    const stat = statLines.exec(chunk);
    const entry = entryLine.exec(line ?? '');
    if (stat === null) break;
    line = chunk.slice(stat[0].length);
    if (entry !== null) entries.push(toEntry(entry, stat, index));
  }
  return entries;
}

function toEntry(entry: RegExpExecArray, stat: RegExpExecArray, index: Index): IndexEntry {
  const [, mode = '', hash = '', path = ''] = entry;
  const [changedSeconds, changedRest, modifiedSeconds, modifiedRest, inode, size] = stat
    .slice(1)
    .map((digits) => BigInt(digits));
  const changedNs = nanoseconds(changedSeconds, changedRest);
  const modifiedNs = nanoseconds(modifiedSeconds, modifiedRest);
  const stamp = makeStamp({ inode: inode ?? 0n, modifiedNs, changedNs });
  // Touched when the index was written, or later: its times do not tell whether that was before git read it.
  const isRacy = modifiedNs >= index.writtenNs;
  return { mode: mode as FileMode, hash, path, size: Number(size), stamp: isRacy ? null : stamp };
}

function nanoseconds(seconds = 0n, rest = 0n): bigint {
  return seconds * 1_000_000_000n + rest;
}

/** Copies the contents that the checkout has. @returns their sizes, which differ from the file's where git converts */
async function importObjects(
  repository: GitRepository,
  entries: readonly IndexEntry[],
  descriptor: number,
): Promise<Map<string, number>> {
  const present = new Map<string, number>();
  const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: INHERITED };
  const hashes = [...new Set(entries.map(({ hash }) => hash))];
  if (hashes.length === 0) return present;
  const { output } = await repository.run(
    ['cat-file', '--batch-check=%(objectname) %(objecttype) %(objectsize)'],
    { env, descriptor, input: `${hashes.join('\n')}\n` },
  );
  for (const line of output.toString().split('\n')) {
    const [hash = '', type, size] = line.split(' ');
    if (type === 'blob') present.set(hash, Number(size));
  }
  await repository.run(['pack-objects', '--quiet', join('objects', 'pack', 'pack')], {
    env,
    descriptor,
    input: `${[...present.keys()].join('\n')}\n`,
  });
  return present;
}
