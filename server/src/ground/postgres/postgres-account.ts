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

/**
 * Options to start one of PostgreSQL's programs: never with our environment, which holds secrets.
 *
 * `stalePid` is a process id in the cluster's pid file that is known to be no postmaster.
 */
export function postgresProcessOptions(account: PostgresAccount, stalePid?: number) {
  const env: NodeJS.ProcessEnv = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  // PostgreSQL takes a pid file that names its grandparent for out of date, and still makes sure that no process uses
  // the old shared memory. Removing the file would lose that safeguard.
  if (stalePid !== undefined) env.PG_GRANDPARENT_PID = String(stalePid);
  // Our own directory may be closed to that account.
  return { ...account, cwd: '/', env };
}

export type ProgramResult = { succeeded: boolean; output: string };

/** Runs a program as PostgreSQL's account, to its end, with `input` to read. */
export async function runAsPostgres(
  program: string,
  args: string[],
  {
    account,
    stalePid,
    input = '',
  }: { account: PostgresAccount; stalePid?: number | undefined; input?: string },
): Promise<ProgramResult> {
  try {
    const running = promisify(execFile)(program, args, postgresProcessOptions(account, stalePid));
    running.child.stdin?.on('error', () => {}).end(input);
    const { stdout, stderr } = await running;
    return { succeeded: true, output: `${stdout}${stderr}`.trim() };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return { succeeded: false, output: `${stdout}${stderr}`.trim() || message };
  }
}

/** Every directory above must let the account through, which mode bits alone don't tell: so it tries. */
export async function checkAccountCanEnter(directory: string, account: PostgresAccount): Promise<void> {
  if (account === null) return;
  const { succeeded, output } = await runAsPostgres('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], {
    account,
  });
  if (succeeded) return;
  throw new StartupError(
    `PostgreSQL cannot run as root, and as user ${account.uid} it cannot enter ${directory}: ${output}`,
    {
      hint: 'Choose a data directory that this user can reach (for example /var/lib/greenroom), start the server as an ordinary user, or set DATABASE_URL.',
    },
  );
}
