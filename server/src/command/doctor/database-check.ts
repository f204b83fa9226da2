import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { hasApiKeys } from '../../access/api-key/store.ts';
import { type ConnectionTarget, createDatabaseClient } from '../../ground/db/client.ts';
import type { Database } from '../../ground/db/database.ts';
import { UNDEFINED_TABLE } from '../../ground/db/sqlstate.ts';
import { errorMessage, StartupError } from '../../ground/errors.ts';
import type { Logger } from '../../ground/log.ts';
import { findPostgresAccount } from '../../ground/postgres/postgres-account.ts';
import { findPostgresBinaries } from '../../ground/postgres/postgres-binaries.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** What the database says; `hasKeys` is null where it could not be asked. */
export type DatabaseReport = { findings: Finding[]; hasKeys: boolean | null };

const OLDEST_SERVER = 150_000;
const MAX_SKEW_MS = 2_000;

type Answer = { version: number; text: string; now: Date };

/** One that runs: its version, its clock, and whether there are API keys. Changes nothing. */
export async function checkRunningDatabase(
  target: ConnectionTarget,
  { logger, mend }: { logger: Logger; mend: string },
): Promise<DatabaseReport> {
  await using client = createDatabaseClient(target, { logger, maxConnections: 1 });
  try {
    await sql`select 1`.execute(client.db);
    const before = Date.now();
    const { rows } = await sql<Answer>`
      select current_setting('server_version_num')::int as version, current_setting('server_version') as text,
        clock_timestamp() as now`.execute(client.db);
    const [answer] = rows;
    if (answer === undefined) throw new Error('the database gave no answer');
    const skew = answer.now.getTime() - (before + Date.now()) / 2;
    return {
      findings: [judgeVersion(answer), judgeClock(skew)],
      hasKeys: await lookForKeys(client.db),
    };
  } catch (error) {
    const detail = `cannot be used: ${errorMessage(error)}`;
    return { findings: [fail('database', detail, mend)], hasKeys: null };
  }
}

/** The one that the server would start itself: whether its programs run here. */
export async function checkEmbeddedDatabase(dataDir: string): Promise<Finding> {
  try {
    const { majorVersion } = await findPostgresBinaries({
      account: findPostgresAccount(join(dataDir, 'postgres')),
      copiesDirectory: join(dataDir, 'postgres-binaries'),
    });
    return ok('database', `its own PostgreSQL ${majorVersion} runs here`);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return fail('database', error.message, error.hint ?? 'set DATABASE_URL');
  }
}

function judgeVersion({ version, text }: Answer): Finding {
  if (version >= OLDEST_SERVER) return ok('database', `PostgreSQL ${text}`);
  return fail('database', `PostgreSQL ${text} is too old`, 'use 15 or newer');
}

/** Exported for its test. @param skewMs how far the database's clock is ahead of this machine's */
export function judgeClock(skewMs: number): Finding {
  const detail = `${(Math.abs(skewMs) / 1000).toFixed(1)} s ${skewMs < 0 ? 'ahead of' : 'behind'} the database's`;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return ok('clock', detail);
  return warn('clock', detail, 'let both machines set their clocks by NTP');
}

async function lookForKeys(db: Kysely<Database>): Promise<boolean> {
  try {
    return await hasApiKeys(db);
  } catch (error) {
    // Of a database that no server has used yet, or only an older one.
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return false;
    throw error;
  }
}
