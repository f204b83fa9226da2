import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { AppError } from '../ground/errors.ts';
import type { Directory, Name } from './directory.ts';
import { isForbidden } from './file-errors.ts';
import { openRegular, readWhole, UPLOAD_PREFIX } from './files.ts';
import type { IgnoreRules } from './ignore-rules.ts';
import { isGone } from './listing.ts';
import { MAX_DEPTH } from './path.ts';
import type { FileMode } from './snapshot-import.ts';
import { stampOf, type TrackedFile, type TrackedFiles } from './tracked-files.ts';

/** A workspace with more is not kept; a larger file is left out. */
export type SnapshotLimits = {
  files: number;
  totalBytes: number;
  fileBytes: number;
  /** Of all that a session has changed since it began, before it is compressed. */
  storedBytes: number;
};
export const snapshotLimits: SnapshotLimits = {
  files: 20_000,
  totalBytes: 1024 ** 3,
  fileBytes: 32 * 1024 ** 2,
  storedBytes: 4 * 1024 ** 3,
};

const MAX_RULES_BYTES = 1024 ** 2;
// Clocks of file systems tick in milliseconds: what was touched just now may be touched again within the same tick.
const RACY_NS = 100_000_000n;

export type Scan = {
  files: TrackedFiles;
  /** Present, but too large or not readable. */
  omitted: Set<string>;
};

export type ScanContext = {
  known: TrackedFiles;
  rules: IgnoreRules;
  /** Called with each content that `known` does not have. */
  onContent: (content: Buffer) => Promise<void>;
  limits: SnapshotLimits;
  now: Date;
};

/** Finds what is in a workspace now; only files that were touched since `known` was made are read. */
export async function scanWorkspace(root: Directory, context: ScanContext): Promise<Scan> {
  const scanner = new Scanner(context);
  await scanner.visit(root, '', 0);
  await scanner.readTouched(root);
  return scanner.scan;
}

/** First looks at everything, then reads what was touched: a workspace that is too large costs only the look. */
class Scanner {
  readonly scan: Scan = { files: new Map(), omitted: new Set() };
  readonly #context: ScanContext;
  readonly #knownDirectories = new Set<string>();
  readonly #settledNs: bigint;
  /** By directory. */
  readonly #touched = new Map<string, Entry[]>();
  #count = 0;
  #bytes = 0;

  constructor(context: ScanContext) {
    this.#context = context;
    this.#settledNs = BigInt(context.now.getTime()) * 1_000_000n - RACY_NS;
    for (const path of context.known.keys()) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const directory = path.slice(0, end);
        if (this.#knownDirectories.has(directory)) break;
        this.#knownDirectories.add(directory);
      }
    }
  }

  async visit(directory: Directory, prefix: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw refuse(`it has more than ${MAX_DEPTH} directories in one another`);
    const entries = await this.#readEntries(directory, prefix);
    const rules = entries.find(({ path, stats }) => path === `${prefix}.gitignore` && stats.isFile());
    if (rules !== undefined) await this.#addRules(directory, prefix);
    const ignored = await this.#findIgnored(entries);
    for (const { name, path, stats } of entries) {
      if (ignored.has(path)) continue;
      if (stats.isDirectory()) await this.#enter(directory, { name, path, stats }, depth);
      else this.#addFile({ name, path, stats }, prefix);
    }
  }

  async #enter(parent: Directory, { name, path }: Entry, depth: number): Promise<void> {
    try {
      await using child = await parent.open(name);
      await this.visit(child, `${path}/`, depth + 1);
    } catch (error) {
      if (isUnreadable(error)) this.#omit(`${path}/`);
      else if (!isGone(error)) throw error;
    }
  }

  /** What cannot be read counts as unchanged: nothing else is known of it. */
  #omit(path: string): void {
    this.scan.omitted.add(path);
    for (const [other, known] of this.#context.known) {
      if (other === path || (path.endsWith('/') && other.startsWith(path))) {
        this.scan.files.set(other, { ...known, stamp: null });
      }
    }
  }

  async #readEntries(directory: Directory, prefix: string): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const name of directory.names()) {
      if (!isCovered(name)) continue;
      const stats = await directory.stat(name).catch(orNull);
      if (stats !== null) entries.push({ name, path: prefix + name, stats });
      // A directory that is left out may be large, but this large nobody's is.
      if (entries.length > this.#context.limits.files * 5)
        throw refuse(`the directory "${prefix}" has too many files`);
    }
    return entries;
  }

  async #addRules(directory: Directory, prefix: string): Promise<void> {
    const { handle, stats } = await openRegular(directory, '.gitignore', `${prefix}.gitignore`);
    await using file = handle;
    if (stats.size > MAX_RULES_BYTES) return;
    await this.#context.rules.add(prefix, await readWhole(file, Number(stats.size)));
  }

  /** As with git, what was tracked once is no longer ignored. */
  async #findIgnored(entries: readonly Entry[]): Promise<Set<string>> {
    const { known, rules } = this.#context;
    const asked = entries
      .map(({ path, stats }) => ({ path, isDirectory: stats.isDirectory() }))
      .filter(({ path, isDirectory }) => !(isDirectory ? this.#knownDirectories : known).has(path));
    return await rules.findIgnored(asked);
  }

  #addFile(entry: Entry, prefix: string): void {
    const { path, stats } = entry;
    const { limits, known: before } = this.#context;
    if (!stats.isFile() && !stats.isSymbolicLink()) return;
    this.#count += 1;
    if (this.#count > limits.files) throw refuse(`it has more than ${limits.files} files`);
    if (stats.size > limits.fileBytes) {
      this.#omit(path);
      return;
    }
    this.#bytes += Number(stats.size);
    if (this.#bytes > limits.totalBytes) throw refuse(`it has more than ${limits.totalBytes / 2 ** 20} MB`);
    const known = before.get(path);
    const isSame = known?.stamp === stampOf(stats) && known.size === Number(stats.size);
    if (isSame && known.mode === modeOf(stats)) this.scan.files.set(path, known);
    else getOrAdd(this.#touched, prefix).push(entry);
  }

  async readTouched(root: Directory): Promise<void> {
    for (const [prefix, entries] of this.#touched) {
      await ifThere(async () => {
        await using directory = await root.walk(prefix.split('/').slice(0, -1));
        for (const entry of entries) await ifThere(async () => await this.#readFile(directory, entry));
      });
    }
  }

  async #readFile(directory: Directory, entry: Entry): Promise<void> {
    const { path } = entry;
    try {
      const content = await this.#read(directory, entry);
      if (content === null) this.#omit(path);
      else this.scan.files.set(path, await this.#toTracked(content, this.#context.known.get(path)));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#omit(path);
    }
  }

  async #toTracked({ bytes, mode, stats }: Content, known: TrackedFile | undefined): Promise<TrackedFile> {
    const hash = await hashBlob(bytes);
    if (hash !== known?.hash) await this.#context.onContent(bytes);
    const isSettled = stats.ctimeNs < this.#settledNs && stats.mtimeNs < this.#settledNs;
    return { mode, hash, size: bytes.length, stamp: isSettled ? stampOf(stats) : null };
  }

  async #read(directory: Directory, { name, path, stats }: Entry): Promise<Content | null> {
    if (stats.isSymbolicLink()) {
      return { bytes: await directory.readLink(name), mode: '120000', stats };
    }
    const opened = await openRegular(directory, name, path);
    await using handle = opened.handle;
    if (opened.stats.size > this.#context.limits.fileBytes) return null;
    const bytes = await readWhole(handle, Number(opened.stats.size));
    return { bytes, mode: modeOf(opened.stats), stats: opened.stats };
  }
}

function getOrAdd(lists: Map<string, Entry[]>, key: string): Entry[] {
  const list = lists.get(key) ?? [];
  if (list.length === 0) lists.set(key, list);
  return list;
}

type Entry = { name: string; path: string; stats: BigIntStats };
type Content = { bytes: Buffer; mode: FileMode; stats: BigIntStats };

// A repository's own directory is no part of the work in it, here and in directories below.
function isCovered(name: Name): name is string {
  return typeof name === 'string' && name.toLowerCase() !== '.git' && !name.startsWith(UPLOAD_PREFIX);
}

function modeOf(stats: BigIntStats): FileMode {
  if (stats.isSymbolicLink()) return '120000';
  return (stats.mode & 0o100n) === 0n ? '100644' : '100755';
}

const OFF_THREAD_BYTES = 1024 ** 2;

/** Git's name for a content. */
export async function hashBlob(content: Buffer): Promise<string> {
  const header = Buffer.from(`blob ${content.length}\0`);
  if (content.length < OFF_THREAD_BYTES)
    return createHash('sha1').update(header).update(content).digest('hex');
  const digest = await crypto.subtle.digest('SHA-1', Buffer.concat([header, content]));
  return Buffer.from(digest).toString('hex');
}

function refuse(reason: string): AppError {
  return new AppError('not_supported', `The workspace is too large for snapshots: ${reason}.`, {
    hint: 'list what need not be kept in .gitignore',
  });
}

function isUnreadable(error: unknown): boolean {
  return isForbidden(error) || (error as { code?: string }).code === 'not_regular_file';
}

/** What is gone by the time that it is read does not belong to the snapshot. */
async function ifThere(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function orNull(error: unknown): null {
  if (isGone(error)) return null;
  throw error;
}
