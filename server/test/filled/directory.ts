import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Kysely, sql } from 'kysely';
import { Pepper } from '../../src/access/api-key/pepper.ts';
import { createKey } from '../../src/access/api-key/service.ts';
import { openDataDirectory } from '../../src/ground/data-directory.ts';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { migrateToLatest } from '../../src/ground/db/migrate.ts';
import { sumLedger } from '../../src/ground/db/migrations/0012-retention.ts';
import { raiseTenantWall } from '../../src/ground/db/tenant-wall.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { EmbeddedPostgres } from '../../src/ground/postgres/embedded-postgres.ts';
import { ActivationQueue } from '../../src/ground/queue/queue.ts';
import { fillDatabase } from './fill.ts';

/** Sessions of the tenant default that are good to look at, by their ids. */
export type Landmarks = {
  /** Ended, with 12 turns and about 60 events. */
  usual: string;
  /** Another one of these. */
  second: string;
  /** Its turn is parked: it waits for an approval. */
  asking: string;
  /** The one with most events, and the one with most turns. */
  long: string;
  pictures: string;
};

export type FilledDirectory = {
  /** A data directory of a server that is not running, with its own PostgreSQL. */
  path: string;
  /** An operator's, of the tenant default. */
  apiKey: string;
  landmarks: Landmarks;
  [Symbol.asyncDispose](): Promise<void>;
};

export type FilledDirectoryOptions = {
  /** How much is in it: 1 is 100,000 sessions (scale.ts). */
  part: number;
  /** Where filled directories are kept, to be copied the next time; null makes one for this time only. */
  cache: string | null;
  onDone?: (what: string, seconds: number) => void;
};

const KEY_FILE = 'operator-key';
const LANDMARKS_FILE = 'landmarks.json';

/** A data directory whose database is filled. It is the caller's alone, and is removed when it is disposed of. */
export async function openFilledDirectory(options: FilledDirectoryOptions): Promise<FilledDirectory> {
  await using stack = new AsyncDisposableStack();
  const path = await mkdtemp(join(tmpdir(), 'greenroom-filled-'));
  stack.defer(async () => await rm(path, { recursive: true, force: true, maxRetries: 5 }));
  if (options.cache === null) await makeDirectory(path, options);
  else await copy(await findOrMake(options.cache, options), path);
  const apiKey = (await readFile(join(path, KEY_FILE), 'utf8')).trim();
  const landmarks: Landmarks = JSON.parse(await readFile(join(path, LANDMARKS_FILE), 'utf8'));
  const resources = stack.move();
  return { path, apiKey, landmarks, [Symbol.asyncDispose]: async () => await resources.disposeAsync() };
}

/** One that is not whole has another name. */
async function findOrMake(cache: string, options: FilledDirectoryOptions): Promise<string> {
  const path = join(cache, `filled-${options.part}-${identify()}`);
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true, mode: 0o711 });
  await rm(`${path}.new`, { recursive: true, force: true });
  await makeDirectory(`${path}.new`, options);
  await rename(`${path}.new`, path);
  return path;
}

/** What is in a filled database depends on the tables, and on what fills them. */
function identify(): string {
  const filling = ['scale.ts', 'sql.ts', 'fill.ts', 'directory.ts'].map(
    (name) => new URL(name, import.meta.url),
  );
  const directory = new URL('../../src/ground/db/migrations/', import.meta.url);
  const names = globSync('*.ts', { cwd: fileURLToPath(directory) }).toSorted();
  const hash = createHash('sha256');
  for (const file of [...filling, ...names.map((name) => new URL(name, directory))])
    hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

/** With owners and modes: as root, PostgreSQL's files are another account's. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', `${from}/.`, to]);
}

async function makeDirectory(path: string, { part, onDone }: FilledDirectoryOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const logger = createSilentLogger();
  const dataDirectory = stack.use(openDataDirectory({ path }));
  const postgres = stack.use(new EmbeddedPostgres({ dataDirectory: dataDirectory.path, logger }));
  await postgres.start();
  const database = stack.use(createDatabaseClient(postgres.connection, { logger }));
  const { db } = database;
  await migrateToLatest(db);
  const queue = stack.use(new ActivationQueue({ database, logger }));
  await queue.start();
  await raiseTenantWall(db);
  const pepper = new Pepper({ configured: null, directory: dataDirectory.path });
  const { key, secret } = await createKey(
    // Nobody listens yet.
    { db, bus: { publish: () => {} }, pepper },
    {
      tenantId: 'default',
      name: 'operator',
      scopes: ['operator'],
      expiresAt: null,
      createdBy: 'filling',
      limits: { requestsPerSecond: null, maxActiveSessions: null, maxQueuedTurns: null },
    },
  );
  await writeFile(join(dataDirectory.path, KEY_FILE), `${secret}\n`, { mode: 0o600 });
  await fillDatabase({ connection: postgres.connection, part, operatorId: key.id, onDone });
  await sumLedger(db as unknown as Kysely<unknown>);
  await sql`analyze usage_days, usage_tenant_days, usage_session_days, session_spending`.execute(db);
  await writeFile(join(dataDirectory.path, LANDMARKS_FILE), JSON.stringify(await findLandmarks(db)));
}

async function findLandmarks(db: Kysely<Database>): Promise<Landmarks> {
  const { rows } = await sql<Landmarks>`
    with ours as (select * from sessions where tenant_id = 'default'),
      usual as (select id from ours where status = 'completed' and turn_count = 12 and not is_archived order by id desc limit 2)
    select (select max(id::text) from usual) as usual, (select min(id::text) from usual) as second,
      (select id from ours where waiting_for = 'approval' order by id desc limit 1) as asking,
      (select id from ours where turn_count <> 12 order by message_count * 1.0 / turn_count desc limit 1) as long,
      (select session_id from turns where content is not null limit 1) as pictures`.execute(db);
  const [landmarks] = rows;
  assert(landmarks !== undefined && !Object.values(landmarks).includes(null as never), 'too little is in it');
  return landmarks;
}
