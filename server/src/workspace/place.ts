import { sessionDirectories } from '../session/directories.ts';
import { findActor } from './actor.ts';
import { Directory } from './directory.ts';

/** Where a session works, if it does so on this node. */
export type WorkspacePlace = {
  sessionId: string;
  /** Absolute, free of symbolic links. */
  directory: string;
  /** A workspace of the session's own, made by the server; otherwise a directory that it was given. */
  isManaged: boolean;
  /** The session's own directory, for what belongs to it but is not its work. */
  sessionRoot: string;
};

/** @param dataDir free of symbolic links */
export function placeOf(dataDir: string, session: { id: string; cwd: string | null }): WorkspacePlace {
  const { root, workspace } = sessionDirectories(dataDir, session.id);
  return {
    sessionId: session.id,
    directory: session.cwd ?? workspace,
    isManaged: session.cwd === null,
    sessionRoot: root,
  };
}

/** Opens it for whoever asks for its files. @param confinesAgents whether agents have users of their own */
export async function openPlace(place: WorkspacePlace, confinesAgents: boolean): Promise<Directory> {
  return await Directory.openRoot(place.directory, await findActor(place, confinesAgents));
}
