import { realpath } from 'node:fs/promises';
import type { Config } from '../ground/config/config.ts';
import type { DatabaseClient } from '../ground/db/client.ts';
import type { Logger } from '../ground/log.ts';
import type { Remover } from '../ground/removal/remover.ts';
import { findMeter } from './disk/measure.ts';
import { SessionDisk } from './disk/session-disk.ts';
import { WorkspaceHistory } from './history.ts';
import { snapshotLimits } from './scan.ts';
import type { WorkspaceServices } from './service.ts';

type Opening = {
  database: DatabaseClient;
  dataDirectory: string;
  remover: Remover;
  /** Search path for git and what measures. */
  searchPath: string;
  confinesAgents: boolean;
  logger: Logger;
  stack: AsyncDisposableStack;
};

/** What files of sessions are read, written, kept and measured with. */
export async function openWorkspaces(
  config: Config,
  { database, dataDirectory, remover, searchPath, confinesAgents, logger, stack }: Opening,
): Promise<WorkspaceServices> {
  const storedBytes = Math.min(snapshotLimits.storedBytes, config.sandboxDisk);
  const limits = { ...snapshotLimits, storedBytes };
  const history = stack.use(new WorkspaceHistory({ path: searchPath, confinesAgents, logger, limits }));
  const disk = new SessionDisk({
    directory: dataDirectory,
    maxBytes: config.sandboxDisk,
    meter: findMeter(searchPath, { confines: confinesAgents }),
  });
  return {
    db: database.db,
    dataDir: await realpath(dataDirectory),
    history,
    remover,
    disk,
    confinesAgents,
    workspaceRoots: config.workspaceRoots,
  };
}
