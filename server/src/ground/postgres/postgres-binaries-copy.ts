import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * npm packages cannot hold symbolic links; a postinstall script makes them, which some installers skip.
 * Makes those that are missing. False if it may not.
 */
export function mendLinks(native: string): boolean {
  try {
    for (const { source, target } of readLinks(native)) mendLink(join(native, target), source);
    return true;
  } catch {
    return false;
  }
}

/** A complete copy that everybody may read and run. Makes it unless it is there; other versions go. */
export function copyBinaries(native: string, target: string): string {
  if (isCompleteCopy(native, target)) return target;
  const versions = dirname(target);
  rmSync(versions, { recursive: true, force: true });
  mkdirSync(versions, { recursive: true });
  const partial = `${target}.new`;
  cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
  mendLinks(partial);
  makeReadable(versions);
  renameSync(partial, target);
  return target;
}

/** The file's paths begin with `native/`. */
function readLinks(native: string): { source: string; target: string }[] {
  const path = join(native, 'pg-symlinks.json');
  if (!existsSync(path)) return [];
  return linksSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).map(({ source, target }) => ({
    source: relative(dirname(target), source),
    target: relative('native', target),
  }));
}

function mendLink(path: string, source: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(source, path);
}

/** Sizes tell a copy whose data a crash of the machine lost. */
function isCompleteCopy(native: string, copy: string): boolean {
  return listEntries(native).every((entry) => {
    const original = lstatSync(join(native, entry));
    const copied = lstatSync(join(copy, entry), { throwIfNoEntry: false });
    return copied !== undefined && (original.isDirectory() || original.size === copied.size);
  });
}

function makeReadable(directory: string): void {
  for (const path of ['', ...listEntries(directory)].map((entry) => join(directory, entry))) {
    const stat = lstatSync(path);
    if (stat.isDirectory()) chmodSync(path, 0o755);
    else if (stat.isFile()) chmodSync(path, dirname(path).endsWith('/bin') ? 0o755 : 0o644);
  }
}

function listEntries(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' });
}
