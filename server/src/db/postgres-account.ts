import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { StartupError } from '../errors.ts';

/** What PostgreSQL runs as. Null: as this process does, which is not root. */
export type PostgresAccount = { uid: number; gid: number } | null;

type PasswordEntry = { name: string; uid: number; gid: number };

const accountNames = ['postgres', '_postgres', 'nobody'];
const overflowId = 65534;

/** PostgreSQL refuses to run as root: the owner of the cluster if there is one, else a system account. */
export function findPostgresAccount(clusterDirectory: string): PostgresAccount {
  if (process.getuid?.() !== 0) return null;
  const owner = statSync(clusterDirectory, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const entries = readPasswordFile();
  const entry = accountNames.map((name) => entries.find((e) => e.name === name)).find((e) => e !== undefined);
  return { uid: entry?.uid ?? overflowId, gid: entry?.gid ?? overflowId };
}

function readPasswordFile(): PasswordEntry[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
      .filter(({ uid, gid }) => uid > 0 && gid > 0);
  } catch {
    return [];
  }
}

/** Options to start one of PostgreSQL's programs: never with our environment, which holds secrets. */
export function postgresProcessOptions(account: PostgresAccount) {
  return {
    ...account,
    // Our own directory may be closed to that account.
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as NodeJS.ProcessEnv,
  };
}

export type ProgramResult = { succeeded: boolean; output: string };

/** Runs a program as PostgreSQL's account, to its end. */
export async function runAsPostgres(
  program: string,
  args: string[],
  account: PostgresAccount,
): Promise<ProgramResult> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, postgresProcessOptions(account));
    return { succeeded: true, output: `${stdout}${stderr}`.trim() };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return { succeeded: false, output: `${stdout}${stderr}`.trim() || message };
  }
}

/** Every directory above must let the account through, which mode bits alone don't tell: so it tries. */
export async function checkAccountCanEnter(directory: string, account: PostgresAccount): Promise<void> {
  if (account === null) return;
  const { succeeded, output } = await runAsPostgres('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], account);
  if (succeeded) return;
  throw new StartupError(
    `PostgreSQL cannot run as root, and as user ${account.uid} it cannot enter ${directory}: ${output}`,
    {
      hint: 'Choose a data directory that this user can reach (for example /var/lib/greenroom), start the server as an ordinary user, or set DATABASE_URL.',
    },
  );
}
