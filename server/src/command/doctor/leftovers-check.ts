import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../ground/errors.ts';
import { BIN } from '../../ground/removal/remover.ts';
import { sessionsDirectory } from '../../session/directories.ts';
import { type Finding, ok, warn } from './finding.ts';

/** A server that runs deletes what it can within that. */
const PATIENCE_MS = 3_600_000;

/** What was deleted and is on the disk all the same. */
export async function checkLeftovers(dataDir: string, now = Date.now()): Promise<Finding> {
  const bin = join(sessionsDirectory(dataDir), BIN);
  try {
    const names = await readdir(bin);
    const stats = await Promise.all(names.slice(0, 1_000).map(async (name) => await lstat(join(bin, name))));
    const old = names.filter((_, index) => now - Number(stats[index]?.ctimeMs ?? now) > PATIENCE_MS);
    if (old.length === 0) return ok('deleted files', 'nothing is left of what was deleted');
    return warn(
      'deleted files',
      `${old.length} in ${bin} could not be deleted, ${old[0]} for one`,
      'the log of the server says why; delete them by hand, or start a server that may',
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return ok('deleted files', 'nothing is left of what was deleted');
    return warn('deleted files', `cannot look into ${bin}: ${errorMessage(error)}`, 'let the server read it');
  }
}
