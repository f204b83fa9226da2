import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { type Database, QUEUE_SCHEMA } from '../../src/ground/db/database.ts';
import { createDatabase, findProcesses, temporaryDirectory } from '../support/harness.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/server-process.ts';
import { LiveAnswers } from './live-answers.ts';
import { checkSession, describeStuck } from './live-checks.ts';
import { LiveClient, type LiveSession } from './live-client.ts';
import { FaultyPostgres, signal } from './live-faults.ts';
import { LiveServers } from './live-servers.ts';

/*
 * The live features, all at once and at random, on servers that come and go. The seed decides what each client does, not
 * how the machine interleaves it: a failure is worth several runs of its seed.
 */

/** Undefined is another one for each run. */
const SEED = process.env.STRESS_SEED;
/** Fresh seeds are tried until so much time is over; with 0 it is one. */
const MINUTES = Number(process.env.STRESS_MINUTES ?? 0);
/** Of one seed. */
const TIMEOUT_MS = 420_000;
/** How much goes wrong with the database and the processor in each seed. */
const FAULTS = Number(process.env.STRESS_FAULTS ?? 2);
/** How many agent programs are killed in each seed. */
const AGENTS = Number(process.env.STRESS_AGENTS ?? 2);
const CLIENTS = Number(process.env.STRESS_CLIENTS ?? 2);
const STEPS = Number(process.env.STRESS_STEPS ?? 4);
const PATIENCE_MS = Number(process.env.STRESS_PATIENCE ?? 120_000);
const RETURN_MS = 3_000;

describe('servers that are closed and killed under a random workload of live sessions', () => {
  it('end every message once, run nothing twice, leave no question open and nothing behind', async (t) => {
    const deadline = performance.now() + MINUTES * 60_000;
    do {
      const seed = Number(SEED ?? randomInt(2 ** 31));
      let isOver = false;
      // At once, and not with the result: a run may be broken off.
      process.stdout.write(`STRESS_SEED=${seed}\n`);
      await t.test(`STRESS_SEED=${seed}`, { timeout: TIMEOUT_MS }, async () => {
        await work(seed)
          .catch((error) => {
            process.stdout.write(`  ${error instanceof Error ? error.stack : String(error)}\n`);
            throw error;
          })
          .finally(() => {
            isOver = true;
          });
      });
      // What still runs would disturb the next one.
      if (!isOver) break;
    } while (performance.now() < deadline);
  });
});

async function work(seed: number): Promise<void> {
  await using root = await temporaryDirectory();
  // Agents in sandboxes have users of their own, and work in directories below.
  await chmod(root.path, 0o711);
  await using database = FAULTS > 0 ? await FaultyPostgres.start() : await createDatabase();
  await using servers = await LiveServers.start(database.url, root.path);
  const { db } = servers.first.context.database;
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const random = new Random(seed + index);
    return new LiveClient(servers, { random, name: `c${index}`, root: root.path });
  });
  const answers = new LiveAnswers(servers, new Random(seed - 1));
  const answering = answers.run();
  answering.catch(() => {});
  const disturbing =
    database instanceof FaultyPostgres ? breakDatabase(database, { servers, seed }) : disturb(servers, seed);
  const agents = new Random(seed - 4);
  const working = Promise.all(clients.map(async (client) => await client.run(STEPS)));
  await Promise.all([
    working,
    disturbing,
    killAgents(agents, () => clients.flatMap(({ sessions }) => sessions)),
  ]);

  await comeToRest(db, async () => {
    for (const client of clients) await client.release();
  }).catch((error) => assert.fail(`${error}\n${servers.describe()}`));
  answers.stop();
  await answering;

  const held = sql<{ id: string }>`select id from sessions where worker_id is not null`;
  await until('every slot is free', async () => (await held.execute(db)).rows.length === 0).catch(
    async (error) => assert.fail(`${error}\n${await describeStuck(db)}`),
  );
  const jobs = sql`
      select state, singleton_key from ${sql.table(`${QUEUE_SCHEMA}.job`)}
      where name = 'activation' and state <= 'active'
    `;
  await until('every job is done', async () => (await jobs.execute(db)).rows.length === 0);
  for (const client of clients) {
    for (const session of client.sessions) {
      assert.deepEqual(await findProcesses(`/${session.id}/`), [], 'agents outlived their activations');
      await checkSession(db, session, answers.accepted);
    }
  }
  // Cut off from its database, or starved, for so long a server says that it gives its sessions up, and that the line has what
  // the audit log lacks.
  const ofFaults = ['could not renew the claims', 'could not write to the audit log'];
  const isOfFault = (line: string): boolean => FAULTS > 0 && ofFaults.some((words) => line.includes(words));
  const errors = servers.log.filter((line) => !isOfFault(line));
  assert.deepEqual(errors, [], 'errors in the log of the server that was killed');
}

/** Until every session has ended. A session in which nothing happens for too long hangs. */
async function comeToRest(db: Kysely<Database>, release: () => Promise<void>): Promise<void> {
  const heard = new Map<string, { seq: number; at: number }>();
  let restsSince: number | null = null;
  while (true) {
    await release();
    const active = await db
      .selectFrom('sessions')
      .select(['id', 'last_seq'])
      .where('status', 'in', ['pending', 'running'])
      .execute();
    // What the agent of a turn that was stopped never read comes back, and is run.
    restsSince = active.length > 0 ? null : (restsSince ?? performance.now());
    if (restsSince !== null && performance.now() - restsSince > RETURN_MS) return;
    for (const { id, last_seq: seq } of active) {
      const before = heard.get(id);
      if (before?.seq !== seq) heard.set(id, { seq, at: performance.now() });
      else if (performance.now() - before.at > PATIENCE_MS)
        assert.fail(`nothing happens in session ${id}\n${await describeStuck(db)}`);
    }
    await delay(200);
  }
}

/** Faults one after the other, half of them with a server that is closed or killed meanwhile. */
async function breakDatabase(
  database: FaultyPostgres,
  { servers, seed }: { servers: LiveServers; seed: number },
): Promise<void> {
  const random = new Random(seed - 3);
  for (let fault = 0; fault < FAULTS; fault++) {
    await delay(1_000 + random.upTo(3_000));
    const starvedFor = random.pick([2_000, 6_000, 12_000]);
    const { name, cause } = random.chance(0.2)
      ? { name: `a server stopped for ${starvedFor} ms`, cause: () => servers.starve(starvedFor) }
      : database.pick(random);
    process.stdout.write(`  ${name}\n`);
    const isOver = cause();
    isOver.catch(() => {});
    await delay(random.upTo(500));
    if (random.chance(0.5)) await (random.chance(0.5) ? servers.close(isOver) : servers.kill(isOver));
    await isOver;
  }
}

/** Agent programs that die by themselves, as the machine may kill them. */
async function killAgents(random: Random, sessions: () => readonly LiveSession[]): Promise<void> {
  for (let count = 0; count < AGENTS; count++) {
    await delay(1_000 + random.upTo(2_500));
    const [first, ...others] = sessions();
    if (first === undefined) continue;
    const pids = await findProcesses(`/${random.pick([first, ...others]).id}/`);
    // The first of them is the program, or holds the sandbox that it runs in.
    if (pids.length === 0) continue;
    process.stdout.write('  agent killed\n');
    signal(Math.min(...pids), 'SIGKILL');
  }
}

async function disturb(servers: LiveServers, seed: number): Promise<void> {
  const random = new Random(seed - 2);
  await delay(1_500 + random.upTo(2_000));
  await (random.chance(0.5) ? servers.close() : servers.kill());
  await delay(random.upTo(1_000));
  await (random.chance(0.5) ? servers.close() : servers.kill());
}
