import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '../errors.ts';
import { type PostgresAccount, runAsPostgres } from './postgres-account.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { postgresStartupError } from './postgres-log.ts';

export const POSTGRES_USER = 'greenroom';

// The builtin locale sorts and folds alike on every platform, and an update of the C library cannot spoil an index.
const initdbOptions = [
  ...['--username', POSTGRES_USER, '--auth', 'reject', '--encoding', 'UTF8'],
  ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
  '--no-instructions',
];

/** Makes the cluster unless it is there, all or nothing: it appears under its name when it is complete and on disk. */
export async function ensureCluster(
  directory: string,
  binaries: PostgresBinaries,
  account: PostgresAccount,
): Promise<void> {
  if (statSync(directory, { throwIfNoEntry: false }) !== undefined) {
    checkMajorVersion(directory, binaries.majorVersion);
    return;
  }
  removePartialClusters(directory);
  const partial = mkdtempSync(partialPrefix(directory));
  if (account !== null) chownSync(partial, account.uid, account.gid);
  const { succeeded, output } = await runAsPostgres(
    binaries.initdb,
    [...initdbOptions, '--pgdata', partial],
    { account },
  );
  if (!succeeded) {
    rmSync(partial, { recursive: true, force: true });
    throw postgresStartupError(`PostgreSQL's data could not be created in ${directory}:`, lastLines(output));
  }
  renameSync(partial, directory);
  syncDirectory(dirname(directory));
}

function partialPrefix(directory: string): string {
  return `${directory}.new-`;
}

/** An initdb whose server was killed may still be busy in one: it fails then, and the next start removes the rest. */
function removePartialClusters(directory: string): void {
  const parent = dirname(directory);
  const names = readdirSync(parent).filter((name) => name.startsWith(partialPrefix(basename(directory))));
  for (const name of names) {
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // It is not in the way: the next cluster gets a name of its own.
    }
  }
}

function checkMajorVersion(directory: string, expected: number): void {
  const version = readVersion(directory);
  if (version === String(expected)) return;
  const problem = version === undefined ? 'is not a PostgreSQL cluster' : `was made by PostgreSQL ${version}`;
  throw new StartupError(`${directory} ${problem}; this Greenroom comes with PostgreSQL ${expected}.`, {
    hint: 'Start the version of Greenroom that made it (and pg_dump its data to take along), choose another data directory, or set DATABASE_URL.',
  });
}

function readVersion(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

function lastLines(output: string): string {
  return output.split('\n').slice(-8).join('\n');
}

function syncDirectory(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
