import type { BigIntStats } from 'node:fs';
import { z } from 'zod';
import type { Directory, Name } from './directory.ts';
import { isForbidden, isMissing } from './file-errors.ts';
import { MAX_DEPTH } from './path.ts';

const MAX_ENTRIES = 10_000;

export const fileEntry = z
  .object({
    name: z.string().describe('Relative to the directory listed; with slashes when recursive.'),
    type: z.enum(['file', 'directory', 'link', 'other']),
    size: z.number().int().nullable().describe('Bytes; null for all but files.'),
    modified_at: z.iso.datetime(),
    target: z.string().optional().describe('Where a link points to. Links are never followed.'),
  })
  .meta({ id: 'FileEntry' });
export type FileEntry = z.infer<typeof fileEntry>;

export const fileListing = z
  .object({
    path: z.string().describe('Relative to the workspace; empty for the workspace itself.'),
    entries: z.array(fileEntry),
    truncated: z.boolean().describe(`There is more: only ${MAX_ENTRIES} entries, ${MAX_DEPTH} levels deep.`),
    omitted_files: z.array(z.string()).describe('Not looked into: closed to the server.'),
  })
  .meta({ id: 'FileListing' });

export const fileWritten = z
  .object({ path: z.string(), size: z.number().int(), etag: z.string() })
  .meta({ id: 'FileWritten' });

export type Listing = { entries: FileEntry[]; truncated: boolean; omitted: string[] };

export const emptyListing: Listing = { entries: [], truncated: false, omitted: [] };

/** What is in a directory, in the order of its names. */
export async function listDirectory(
  directory: Directory,
  options: { recursive: boolean; limit?: number },
): Promise<Listing> {
  const listing: Listing = { entries: [], truncated: false, omitted: [] };
  await collect(directory, { prefix: '', depth: 0, listing, limit: MAX_ENTRIES, ...options });
  listing.omitted.sort();
  listing.entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return listing;
}

type Walk = { prefix: string; depth: number; listing: Listing; recursive: boolean; limit: number };

async function collect(directory: Directory, walk: Walk): Promise<void> {
  const { listing } = walk;
  const subdirectories: Name[] = [];
  for await (const name of directory.names()) {
    if (listing.entries.length + listing.omitted.length >= walk.limit) {
      listing.truncated = true;
      return;
    }
    const entry = await describe(directory, name, walk);
    if (entry === null) continue;
    listing.entries.push(entry);
    if (walk.recursive && entry.type === 'directory') subdirectories.push(name);
  }
  if (subdirectories.length > 0 && walk.depth >= MAX_DEPTH) {
    listing.truncated = true;
    return;
  }
  for (const name of subdirectories) {
    const prefix = `${walk.prefix}${name.toString()}/`;
    await collectChild(directory, name, { ...walk, prefix, depth: walk.depth + 1 });
  }
}

async function collectChild(parent: Directory, name: Name, walk: Walk): Promise<void> {
  try {
    await using child = await openIfThere(parent, name);
    if (child !== null) await collect(child, walk);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    walk.listing.omitted.push(walk.prefix);
  }
}

async function describe(
  directory: Directory,
  name: Name,
  { prefix, listing }: Walk,
): Promise<FileEntry | null> {
  try {
    const stats = await directory.stat(name);
    const type = typeOf(stats);
    return {
      name: prefix + name.toString(),
      type,
      size: type === 'file' ? Number(stats.size) : null,
      modified_at: new Date(Number(stats.mtimeMs)).toISOString(),
      ...(type === 'link' ? { target: (await directory.readLink(name)).toString() } : {}),
    };
  } catch (error) {
    if (isForbidden(error)) listing.omitted.push(prefix + name.toString());
    else if (!isGone(error)) throw error;
    return null;
  }
}

/** The directory, unless it was removed or replaced since its name was read. */
export async function openIfThere(parent: Directory, name: Name): Promise<Directory | null> {
  try {
    return await parent.open(name);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** Removed, or by now something else than it was. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return isMissing(error) || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EINVAL';
}

export function typeOf(stats: BigIntStats): FileEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}
