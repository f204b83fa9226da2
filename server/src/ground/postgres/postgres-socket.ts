import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartupError } from '../errors.ts';
import type { PostgresAccount } from './postgres-account.ts';

export const POSTGRES_PORT = 5432;

const SOCKET_NAME = `.s.PGSQL.${POSTGRES_PORT}`;
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Beside the data, or where its path is too long for a Unix socket, in a temporary directory named after it. */
export function socketDirectoryFor(dataDirectory: string): string {
  const name = `greenroom-${createHash('sha256').update(dataDirectory).digest('hex').slice(0, 16)}`;
  const candidates = [join(dataDirectory, 'run'), join(tmpdir(), name)];
  return candidates.find(fits) ?? join('/tmp', name);
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES;
}

/** Empty, and closed to all but PostgreSQL's account: who can open the socket has the database. */
export function prepareSocketDirectory(path: string, account: PostgresAccount): void {
  const uid = process.getuid?.();
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  const isOurs = stat.isDirectory() && (stat.uid === uid || stat.uid === account?.uid);
  if (!isOurs) {
    throw new StartupError(`${path} belongs to another user, so PostgreSQL's socket cannot go there.`, {
      hint: 'Remove it, or choose another data directory.',
    });
  }
  chmodSync(path, 0o700);
  if (account !== null) chownSync(path, account.uid, account.gid);
  // A lock file here that names a process which is now another program would keep PostgreSQL from starting.
  for (const name of [SOCKET_NAME, `${SOCKET_NAME}.lock`]) rmSync(join(path, name), { force: true });
}
