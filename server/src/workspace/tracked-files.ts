import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileMode } from './snapshot-import.ts';

/** A file as the last snapshot has it. */
export type TrackedFile = {
  mode: FileMode;
  hash: string;
  size: number;
  /** Identity and times of the file that was read; null when only a new look at its content can tell. */
  stamp: string | null;
};
export type TrackedFiles = Map<string, TrackedFile>;

/** Equal for a file that was not touched. The change time cannot be set by whoever changes the file. */
export function stampOf({ ino, mtimeNs, ctimeNs }: BigIntStats): string {
  return makeStamp({ inode: BigInt.asUintN(32, ino), modifiedNs: mtimeNs, changedNs: ctimeNs });
}

/** Inodes count by their lower 32 bits, as git's index has them. */
export function makeStamp(times: { inode: bigint; modifiedNs: bigint; changedNs: bigint }): string {
  return [times.inode, times.modifiedNs, times.changedNs].map((value) => value.toString(36)).join(' ');
}

type Row = [path: string, mode: FileMode, hash: string, size: number, stamp: string | null];

/** The files of a commit. */
type Stored = { commit: string | null; rows: Row[] };

const FILE = 'files.json';

/** @returns null unless what is stored describes this commit: a server may be killed between the two */
export async function loadTrackedFiles(directory: string, commit: string): Promise<TrackedFiles | null> {
  const stored = await readJson<Stored>(join(directory, FILE), { commit: null, rows: [] });
  if (stored.commit !== commit) return null;
  return new Map(stored.rows.map(([path, mode, hash, size, stamp]) => [path, { mode, hash, size, stamp }]));
}

export async function saveTrackedFiles(
  directory: string,
  { commit, files }: { commit: string; files: TrackedFiles },
): Promise<void> {
  const rows = [...files].map(([path, { mode, hash, size, stamp }]): Row => [path, mode, hash, size, stamp]);
  await writeJson(join(directory, FILE), { commit, rows } satisfies Stored);
}

export async function readJson<T>(path: string, otherwise: T): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}

/** Replaces the file whole: a killed server leaves the old one or the new one. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(value));
  await rename(temporary, path);
}
