import { randomUUID } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { errorMessage, StartupError } from './errors.ts';
import { identifyDirectory } from './util/directory-identity.ts';

const holderSchema = z.object({
  pid: z.int(),
  startedAt: z.iso.datetime(),
  url: z.string().nullable(),
  hostname: z.string(),
});

/** Who has a data directory, as `holder.json` tells it. */
export type DataDirectoryHolder = z.infer<typeof holderSchema>;

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

/** Another process has it. */
export class DataDirectoryInUse extends StartupError {}

/** A connection that is garbage collected is closed, and its lock is gone. */
const heldLocks = new Set<DatabaseSync>();

/** A directory that belongs to this process alone until it is disposed of or the process dies. */
export class DataDirectory {
  readonly path: string;
  /** Made once per directory: the same after every restart. */
  readonly nodeId: string;
  /** What all that is started on it is marked with, in front; a copy of the directory, of the same id, has another one. */
  readonly mark: string;
  readonly #lock: DatabaseSync;
  #holder: DataDirectoryHolder;

  /** `path` is absolute and `lock` is held. */
  constructor(path: string, lock: DatabaseSync) {
    this.path = path;
    this.#lock = lock;
    heldLocks.add(lock);
    this.#holder = {
      pid: process.pid,
      startedAt: new Date().toISOString(),
      url: null,
      hostname: hostname(),
    };
    this.nodeId = findNodeId(path) ?? makeNodeId(path);
    this.mark = `${this.nodeId}.${identifyDirectory(path)}/`;
    this.describe({});
  }

  /** Tells others who is here, for the message that a second server shows. */
  describe(description: { url?: string }): void {
    this.#holder = { ...this.#holder, ...description };
    writeFileAtomically(join(this.path, 'holder.json'), `${JSON.stringify(this.#holder)}\n`);
  }

  [Symbol.dispose](): void {
    if (!this.#lock.isOpen) return;
    rmSync(join(this.path, 'holder.json'), { force: true });
    this.#lock.close();
    heldLocks.delete(this.#lock);
  }
}

/** Creates the directory if need be and takes it for this process. Throws a `StartupError` if another has it. */
export function openDataDirectory({ path }: { path: string }): DataDirectory {
  const absolute = resolve(path);
  let lock: DatabaseSync | undefined;
  try {
    const directory = createDirectory(absolute);
    lock = new DatabaseSync(join(directory, 'lock.sqlite'));
    chmodSync(join(directory, 'lock.sqlite'), 0o600);
    // The kernel drops this lock with the process, however it dies: it can be neither stale nor raced for.
    lock.exec('pragma busy_timeout = 0; begin exclusive');
    return new DataDirectory(directory, lock);
  } catch (error) {
    lock?.close();
    throw toStartupError(absolute, error);
  }
}

/** As root, PostgreSQL's own account has to pass through; what is in the directory guards itself. */
function createDirectory(path: string): string {
  const isRoot = process.getuid?.() === 0;
  requireWritableAncestor(path);
  mkdirSync(path, { recursive: true, mode: isRoot ? 0o711 : 0o700 });
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  const { mode } = statSync(path);
  if (isRoot && (mode & 0o011) !== 0o011) chmodSync(path, mode | 0o011);
  return realpathSync(path);
}

/** Of a disk that cannot be written to, making several directories at once says that they do not exist. */
function requireWritableAncestor(path: string): void {
  let ancestor = path;
  while (!existsSync(ancestor)) ancestor = dirname(ancestor);
  if (ancestor !== path) accessSync(ancestor, constants.W_OK);
}

function findNodeId(directory: string): string | undefined {
  const id = readIfPresent(join(directory, 'node-id'))?.trim();
  return z.uuid().safeParse(id).data;
}

function makeNodeId(directory: string): string {
  const id = randomUUID();
  writeFileAtomically(join(directory, 'node-id'), `${id}\n`);
  return id;
}

function writeFileAtomically(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function toStartupError(path: string, error: unknown): StartupError {
  const { code, errcode } = error as { code?: string; errcode?: number };
  const elsewhere = 'Choose another data directory, or make this one usable.';
  if (errcode === SQLITE_BUSY) return heldByOther(path);
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return new StartupError(`The data directory ${path} is a file, or lies beneath one.`, {
      hint: elsewhere,
    });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === SQLITE_FULL) {
    return new StartupError(`The disk of the data directory ${path} is full.`, { hint: 'Free some space.' });
  }
  const isDenied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  if (isDenied || errcode === SQLITE_READONLY || errcode === SQLITE_CANTOPEN) {
    const message = `The data directory ${path} is not writable for this user.`;
    return new StartupError(message, { hint: elsewhere, cause: error });
  }
  const message = `The data directory ${path} cannot be used: ${errorMessage(error)}`;
  return new StartupError(message, { hint: elsewhere, cause: error });
}

function heldByOther(path: string): DataDirectoryInUse {
  const holder = findHolder(path);
  const who = holder
    ? `process ${holder.pid} on ${holder.hostname}${holder.url ? ` (${holder.url})` : ''}, since ${holder.startedAt}`
    : 'another process';
  return new DataDirectoryInUse(`The data directory ${path} is in use by ${who}.`, {
    hint: 'Use that server, stop it first, or choose another data directory for this one.',
  });
}

/** Who has it, or had it last where that one was killed. */
export function findHolder(directory: string): DataDirectoryHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readIfPresent(join(directory, 'holder.json')) ?? ''));
  } catch {
    return undefined;
  }
}
