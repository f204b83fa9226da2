import { mkdir } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Kysely } from 'kysely';
import { rootsOf } from '../ground/config/roots.ts';
import type { Database } from '../ground/db/database.ts';
import { AppError } from '../ground/errors.ts';
import { isUuid } from '../ground/ids.ts';
import type { Remover } from '../ground/removal/remover.ts';
import { isUnderRoots } from '../session/options/given-directory.ts';
import { getSessionOrThrow, type SessionRow } from '../session/service.ts';
import { isActive } from '../session/session.ts';
import type { SessionKey } from '../session/store.ts';
import { findLastBegun, findTurn } from '../session/turn/store.ts';
import { type Archive, emptyArchive, openArchive } from './archive.ts';
import { type FileChange, limitFiles, toFileChange } from './diff.ts';
import { Directory } from './directory.ts';
import type { SessionDisk } from './disk/session-disk.ts';
import { fileError, isForbidden } from './file-errors.ts';
import { deletePath, type OpenFile, openPath, type WriteConditions, writeFile } from './files.ts';
import type { WorkspaceHistory } from './history.ts';
import { emptyListing, type Listing, listDirectory } from './listing.ts';
import type { WorkspacePath } from './path.ts';
import { openPlace, placeOf, type WorkspacePlace } from './place.ts';
import type { Conflict } from './restore.ts';
import type { SnapshotName } from './snapshots.ts';

export type WorkspaceServices = {
  db: Kysely<Database>;
  /** Free of symbolic links. */
  dataDir: string;
  history: WorkspaceHistory;
  remover: Remover;
  disk: SessionDisk;
  /** Whether agents have users of their own where the server is root. */
  confinesAgents: boolean;
  /** Where sessions may work: entries of `rootsOf`. */
  workspaceRoots: readonly string[];
};

type Opened = { session: SessionRow; place: WorkspacePlace; root: Directory | null };

/** The workspace's directory; null when the session has not begun, and so has none yet. */
async function openWorkspace(
  services: WorkspaceServices,
  key: SessionKey,
  { create = false }: { create?: boolean } = {},
): Promise<Opened> {
  const session = await getSessionOrThrow(services.db, key);
  const place = placeOf(services.dataDir, session);
  if (!place.isManaged) await requireOwnRoot(services, key, place);
  const isNew = place.isManaged && session.fence === 0;
  if (isNew && create) await mkdir(place.directory, { recursive: true, mode: 0o700 });
  try {
    return { session, place, root: await openPlace(place, services.confinesAgents) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && isNew) return { session, place, root: null };
    if (isForbidden(error)) throw fileError(error, place.directory);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') throw elsewhere(place, error);
    throw error;
  }
}

/** It did when the session was started; since then the operator may have said otherwise. */
async function requireOwnRoot(
  { workspaceRoots }: WorkspaceServices,
  { tenantId }: SessionKey,
  { directory }: WorkspacePlace,
): Promise<void> {
  if (await isUnderRoots(directory, rootsOf(workspaceRoots, tenantId))) return;
  const message = `The directory ${directory} lies outside the directories that sessions of the tenant "${tenantId}" may work in.`;
  throw new AppError('workspace_elsewhere', message, {
    hint: 'ask the operator (GREENROOM_WORKSPACE_ROOTS)',
  });
}

function elsewhere({ isManaged, directory }: WorkspacePlace, cause: unknown): AppError {
  const what = isManaged ? "The session's workspace" : `The directory ${directory}`;
  return new AppError('workspace_elsewhere', `${what} is not on this node, or was removed from it.`, {
    cause,
    hint: 'ask the node that ran the session',
  });
}

/** What stands at a path; the caller closes a file that it gets. */
export type Found = { kind: 'directory'; listing: Listing } | ({ kind: 'file' } & OpenFile);

export async function findFile(
  services: WorkspaceServices,
  key: SessionKey,
  { path, recursive }: { path: WorkspacePath; recursive: boolean },
): Promise<Found> {
  const { root } = await openWorkspace(services, key);
  if (root === null && path.length === 0) {
    return { kind: 'directory', listing: emptyListing };
  }
  return await withErrors(path, async () => {
    await using directory = root ?? throwMissing();
    const found = await openPath(directory, path);
    if (!(found instanceof Directory)) return { kind: 'file', ...found };
    await using listed = found;
    return { kind: 'directory', listing: await listDirectory(listed, { recursive }) };
  });
}

export async function storeFile(
  services: WorkspaceServices,
  key: SessionKey,
  { path, ...request }: { path: WorkspacePath; content: Readable; conditions: WriteConditions },
): ReturnType<typeof writeFile> {
  const { root, place } = await openWorkspace(services, key, { create: true });
  return await withErrors(path, async () => {
    await using directory = root ?? throwMissing();
    const allowance = place.isManaged ? await services.disk.open(place.sessionRoot) : null;
    try {
      return await writeFile(directory, path, { ...request, allowance });
    } finally {
      services.history.noticeWrite(key.id);
    }
  });
}

export async function removeFile(
  services: WorkspaceServices,
  key: SessionKey,
  { path, recursive }: { path: WorkspacePath; recursive: boolean },
): Promise<void> {
  const { root, place } = await openWorkspace(services, key);
  await withErrors(path, async () => {
    await using directory = root ?? throwMissing();
    try {
      await deletePath(directory, path, { recursive, remover: place.isManaged ? services.remover : null });
    } finally {
      services.history.noticeWrite(key.id);
    }
  });
}

/** The directory at a path. */
export async function archiveFiles(
  services: WorkspaceServices,
  key: SessionKey,
  path: WorkspacePath,
): Promise<Archive> {
  const { root } = await openWorkspace(services, key);
  if (root === null && path.length === 0) return emptyArchive();
  return await withErrors(path, async () => {
    await using directory = root ?? throwMissing();
    return await openArchive(await directory.walk(path));
  });
}

export type WorkspaceChanges = {
  /** What is compared with: `start`, or the id of a turn. */
  base: string;
  files: FileChange[];
  diff: Buffer;
  truncated: boolean;
  omitted: string[];
};

/** What the session changed since it began (`from` is `start`), since a turn began (its id), or since the `last` did. */
export async function readChanges(
  services: WorkspaceServices,
  key: SessionKey,
  options: { from: string; path: WorkspacePath; context: number },
): Promise<WorkspaceChanges> {
  const { session, place, root } = await openWorkspace(services, key);
  await root?.[Symbol.asyncDispose]();
  const { base, snapshot } = await baseOf(services.db, session.id, options.from);
  if (session.fence === 0 || base === null) {
    return { base: 'start', files: [], diff: Buffer.alloc(0), truncated: false, omitted: [] };
  }
  const path = options.path.length === 0 ? null : options.path.join('/');
  const changes = await services.history.changes(place, { from: snapshot, path, context: options.context });
  const { files, truncated } = limitFiles(changes.files.map(toFileChange));
  return { ...changes, base, files, truncated: truncated || changes.truncated };
}

/** Null where no turn has begun yet. */
async function baseOf(
  db: Kysely<Database>,
  sessionId: string,
  from: string,
): Promise<{ base: string | null; snapshot: SnapshotName }> {
  if (from === 'start') return { base: from, snapshot: from };
  const base = from === 'last' ? await findLastBegun(db, sessionId) : from.toLowerCase();
  if (base === undefined) return { base: null, snapshot: 'start' };
  return { base, snapshot: await snapshotBefore(db, { sessionId, turnId: base }) };
}

/** Makes the files of a session that does not run what they were before a turn (its id), or at its `start`. */
export async function rewindFiles(
  services: WorkspaceServices,
  key: SessionKey,
  { to, dryRun }: { to: string; dryRun: boolean },
): Promise<{ changes: FileChange[]; conflicts: Conflict[] }> {
  const { place, root } = await openWorkspace(services, key);
  await root?.[Symbol.asyncDispose]();
  const snapshot = to === 'start' ? to : await snapshotBefore(services.db, { sessionId: key.id, turnId: to });
  const mayBegin = async (): Promise<void> => {
    const { status } = await getSessionOrThrow(services.db, key);
    if (!isActive(status)) return;
    throw new AppError('session_running', `Session ${key.id} is ${status}: its files may be in use.`, {
      hint: 'wait until it has ended, or cancel it',
    });
  };
  const allowance = place.isManaged ? await services.disk.open(place.sessionRoot) : null;
  const request = { to: snapshot, dryRun, mayBegin, allowance };
  const { changes, conflicts } = await services.history.rewind(place, request);
  return { changes: changes.map(toFileChange), conflicts };
}

async function snapshotBefore(
  db: Kysely<Database>,
  { sessionId, turnId }: { sessionId: string; turnId: string },
): Promise<SnapshotName> {
  const turn = isUuid(turnId) ? await findTurn(db, { sessionId, id: turnId }) : undefined;
  if (turn !== undefined) return `turn-${turn.id}`;
  throw new AppError('not_found', `Session ${sessionId} has no turn ${turnId}`, {
    hint: `GET /sessions/${sessionId}/turns lists them; \`start\` is the state before the first`,
  });
}

async function withErrors<T>(path: WorkspacePath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, path.join('/'));
  }
}

function throwMissing(): never {
  throw Object.assign(new Error('the workspace is not there yet'), { code: 'ENOENT' });
}
