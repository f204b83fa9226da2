import { lstat, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { directoryUser } from '../ground/util/directory-user.ts';
import { PASS, permits } from '../ground/util/permits.ts';
import type { WorkspacePlace } from './place.ts';

/** Whose rights hold in a directory where they are not the server's. */
export type Actor = { uid: number; gid: number };

/** Who a session is that has not begun yet. */
const nobody: Actor = { uid: 65_534, gid: 65_534 };

/**
 * Whom the files of a session are read and written as, on a server of root that gives agents users of their own: what is
 * closed to the agent is closed to whoever asks for its files. Null is the server itself.
 */
export async function findActor(place: WorkspacePlace, confinesAgents: boolean): Promise<Actor | null> {
  if (place.isManaged || !confinesAgents || process.getuid?.() !== 0) return null;
  const owner = directoryUser(await stat(place.directory));
  const actor = owner ?? (await findSessionUser(place.sessionRoot));
  await requireWay(place.directory, actor);
  return actor;
}

async function findSessionUser(sessionRoot: string): Promise<Actor> {
  const home = await lstat(join(sessionRoot, 'home')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return home === null || home.uid === 0 ? nobody : { uid: home.uid, gid: home.uid };
}

/** Every directory on the way has to let it through. */
async function requireWay(path: string, actor: Actor): Promise<void> {
  for (let place = dirname(path); ; place = dirname(place)) {
    if (!permits(await stat(place), actor, PASS)) throw forbidden();
    if (place === dirname(place)) return;
  }
}

export function forbidden(): NodeJS.ErrnoException {
  return Object.assign(new Error("the session's user has no right to that"), { code: 'EACCES' });
}
