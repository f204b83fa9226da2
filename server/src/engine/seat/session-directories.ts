import { chmod, mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { isUuid } from '../../ground/ids.ts';
import type { Remover } from '../../ground/removal/remover.ts';
import { sessionDirectories } from '../../session/directories.ts';
import { findDeletedIds } from '../../session/store.ts';

const LOOKED_UP_AT_ONCE = 10_000;

/** The session's own workspace, before anything needs it. */
export async function makeWorkspace(dataDir: string, sessionId: string): Promise<void> {
  const { workspace } = sessionDirectories(dataDir, sessionId);
  await mkdir(workspace, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    // Something else is there: that ends the turn with a message, when the agent is to start in it.
    if (!leftCodes.has(error.code ?? '')) throw error;
  });
}

/** What shells run when they start, in the home of their user. */
const shellFiles = [
  ...['.bashrc', '.bash_profile', '.bash_login', '.profile', '.bash_logout'],
  ...['.zshenv', '.zprofile', '.zshrc', '.zlogin', '.zlogout'],
];

/**
 * The agent program starts shells, for commands that ask nobody too: what an earlier process left to be run at their start
 * must not run then.
 */
export async function resetShell(home: string): Promise<void> {
  // It is the agent's, who may have closed it.
  await chmod(home, 0o700);
  for (const name of shellFiles) await unlink(join(home, name)).catch(ignoreUnlike);
}

/** It is not there, or a directory, which no shell runs. */
function ignoreUnlike(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT' && error.code !== 'EISDIR' && error.code !== 'EPERM') throw error;
}

const leftCodes = new Set(['EEXIST', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENOENT']);

/** Removes what a deleted session had on this node: its home and its own workspace, never a directory it was given. */
export async function removeDirectories(
  { dataDir, remover }: { dataDir: string; remover: Remover },
  sessionId: string,
): Promise<void> {
  // It came over the wire, and a path is made of it.
  if (!isUuid(sessionId)) throw new Error(`not a session id: ${sessionId}`);
  await remover.takeSession(sessionDirectories(dataDir, sessionId).root);
}

/**
 * Removes the directories of sessions that were deleted while this node was away. Only of those that the database
 * remembers as deleted: one that it never heard of may belong to another database.
 */
export async function removeDeletedDirectories(
  { db, remover }: { db: Kysely<Database>; remover: Remover },
  sessionsRoot: string,
): Promise<void> {
  const names = (await readdir(sessionsRoot).catch(ignoreMissing)).filter(isUuid);
  for (let start = 0; start < names.length; start += LOOKED_UP_AT_ONCE) {
    for (const id of await findDeletedIds(db, names.slice(start, start + LOOKED_UP_AT_ONCE))) {
      await remover.takeSession(join(sessionsRoot, id));
    }
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
