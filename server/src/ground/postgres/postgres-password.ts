import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { closeSync, fchownSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PostgresAccount, runAsPostgres } from './postgres-account.ts';
import { POSTGRES_USER } from './postgres-cluster.ts';

/*
 * The password of the embedded PostgreSQL. Its socket is closed to other users; an agent that gets to it all the same, or
 * that runs as the same user, still has no database.
 */

/** In the form that psql reads, by PGPASSFILE. */
const FILE_NAME = 'postgres-password';
const ANY_SERVER = `*:*:*:${POSTGRES_USER}:`;

export function findPassword(dataDirectory: string): string | undefined {
  try {
    const content = readFileSync(join(dataDirectory, FILE_NAME), 'utf8').trim();
    return content.startsWith(ANY_SERVER) ? content.slice(ANY_SERVER.length) : undefined;
  } catch {
    return undefined;
  }
}

/** Makes one unless it is there. The caller holds the data directory. */
export function makePassword(dataDirectory: string): void {
  if (findPassword(dataDirectory) !== undefined) return;
  const content = `${ANY_SERVER}${randomBytes(24).toString('base64url')}\n`;
  writeSecret(join(dataDirectory, FILE_NAME), content, null);
}

/**
 * Lets nobody into the cluster without the password, also into one that was made without: PostgreSQL is told the password
 * before its rules ask for it. Nothing may run on the cluster.
 *
 * @returns what PostgreSQL said, if that failed
 */
export async function requirePassword(
  cluster: string,
  { password, program, account, stalePid }: { password: string; program: string } & ClusterUse,
): Promise<string | null> {
  const path = join(cluster, 'pg_hba.conf');
  const rules = accessRules(password);
  if (readFileSync(path, 'utf8') === rules) return null;
  // Without a connection, and by its input: a command line shows in the process list.
  const input = `alter role ${POSTGRES_USER} password '${scramVerifier(password)}'\n`;
  const args = ['--single', '-D', cluster, '-c', 'exit_on_error=on', 'postgres'];
  const { succeeded, output } = await runAsPostgres(program, args, { account, stalePid, input });
  if (!succeeded) return output;
  writeSecret(path, rules, account);
  return null;
}

type ClusterUse = { account: PostgresAccount; stalePid: number | undefined };

/** They tell by a digest which password PostgreSQL knows. Who comes by another way than the socket finds no rule. */
function accessRules(password: string): string {
  const digest = createHash('sha256').update(password).digest('hex');
  return `# Written by Greenroom when the password is set. ${digest}
local all         all scram-sha-256
local replication all scram-sha-256
`;
}

/** As PostgreSQL stores it (RFC 5803), so that the password itself is never in a statement. */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const sign = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(sign('Client Key')).digest('base64');
  const server = sign('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}

/** A file of its own, whatever lies there: the directory may be another account's. */
function writeSecret(path: string, content: string, owner: PostgresAccount): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const file = openSync(draft, 'wx', 0o600);
  try {
    if (owner !== null) fchownSync(file, owner.uid, owner.gid);
    writeFileSync(file, content, { flush: true });
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
