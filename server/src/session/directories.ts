import { join } from 'node:path';

/** Directories of one session on this node. The home is private: sessions that share one can read each other. */
export type SessionDirectories = { root: string; home: string; temporary: string; workspace: string };

export function sessionDirectories(dataDir: string, sessionId: string): SessionDirectories {
  const root = join(sessionsDirectory(dataDir), sessionId);
  return { root, home: join(root, 'home'), temporary: join(root, 'tmp'), workspace: join(root, 'workspace') };
}

export function sessionsDirectory(dataDir: string): string {
  return join(dataDir, 'sessions');
}
