import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { QUEUE_SCHEMA } from '../../src/ground/db/database.ts';
import type { EventView } from '../../src/session/event/event.ts';
import type { SessionRow } from '../../src/session/service.ts';
import type { TurnRow } from '../../src/session/turn/store.ts';
import { readTable } from '../support/event-source.ts';
import { createDatabase, findProcesses, startTestServer, type TestServer } from '../support/harness.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/server-process.ts';
import { checkLog, checkSums, listTurns } from './live-checks.ts';

/*
 * Clients that do everything at once, at random, on two servers; afterwards one checker looks at what is stored. The
 * seed decides what each client does, not how the machine interleaves it: a failure is worth several runs of its seed.
 */

const seed = Number(process.env.STRESS_SEED ?? randomInt(2 ** 31));
const CLIENTS = 12;
const STEPS = 6;
const IDLE_TTL_MS = 400;

describe('two servers on one database under a random workload', () => {
  it('end every accepted turn once, number events densely, mix up no answers and leave nothing behind', async (t) => {
    t.diagnostic(`STRESS_SEED=${seed}`);
    await using database = await createDatabase();
    const config = { maxSessions: 3, idleTtl: IDLE_TTL_MS };
    await using first = await startTestServer({ databaseUrl: database.url, config });
    await using second = await startTestServer({ databaseUrl: database.url, config });
    const servers = [first, second];
    const clients = Array.from({ length: CLIENTS }, (_, index) => new RandomClient(servers, seed + index));
    await Promise.all(clients.map(async (client) => await client.run()));
    await checkAll(servers, clients);
  });
});

/** Starts one session and does things to it that may be refused, as the session's state has it at that moment. */
class RandomClient {
  sessionId = '';
  accepted = 0;
  isDeleted = false;
  /** Its agent was killed at some time, so turns may end as crashed. */
  hasKilled = false;
  /** What the answers to its sums contain, by turn number. */
  readonly sums = new Map<number, string>();
  readonly #servers: readonly TestServer[];
  readonly #random: () => number;

  constructor(servers: readonly TestServer[], clientSeed: number) {
    this.#servers = servers;
    const random = new Random(clientSeed);
    this.#random = () => random.next();
  }

  async run(): Promise<void> {
    await this.#prompt();
    for (let step = 0; step < STEPS && !this.isDeleted; step++) {
      await delay(this.#upTo(700));
      const choice = this.#random();
      if (choice < 0.3) await this.#prompt();
      else if (choice < 0.5) await this.#waitThenPrompt();
      else if (choice < 0.65) await this.#cancel();
      else if (choice < 0.85) await this.#cancelThenPrompt();
      else if (choice < 0.95) await this.#killAgent();
      else await this.#delete();
    }
    await this.#endTurns();
  }

  async #prompt(): Promise<void> {
    const { prompt, sum, ...options } = this.#pickPrompt();
    const resume = this.sessionId === '' ? {} : { resume_session_id: this.sessionId };
    const answer = await this.#request('POST', '/execute/', { prompt, ...options, ...resume });
    assert.ok(answer.status === 200 || answer.body.code === 'session_running', JSON.stringify(answer.body));
    if (answer.status !== 200) return;
    this.sessionId = answer.body.session_id;
    this.accepted++;
    if (sum !== null) this.sums.set(this.accepted, sum);
  }

  #pickPrompt(): { prompt: string; sum: string | null } & Record<string, unknown> {
    const choice = this.#random();
    const [a, b] = [this.#upTo(1000), this.#upTo(1000)];
    const sum = `${a} + ${b} = ${a + b}`;
    if (choice < 0.25) return { prompt: '[demo:hang]', sum: null };
    if (choice < 0.4) return { prompt: 'run: true', sum: null, allowed_tools: ['Bash'] };
    if (choice < 0.5) return { prompt: '[demo:slow 40] count from 1 to 30', sum: null };
    if (choice < 0.6)
      return { prompt: `What is ${a} + ${b}?`, sum, model: choice < 0.55 ? 'haiku' : 'sonnet' };
    return { prompt: `What is ${a} + ${b}?`, sum };
  }

  async #waitThenPrompt(): Promise<void> {
    await delay(this.#upTo(1_000));
    await this.#prompt();
  }

  async #cancel(): Promise<void> {
    const { status, body } = await this.#request('POST', `/cancel/${this.sessionId}`);
    assert.ok(status === 200 || body.code === 'session_not_running', JSON.stringify(body));
  }

  async #cancelThenPrompt(): Promise<void> {
    await this.#cancel();
    if (this.#random() < 0.5) await delay(this.#upTo(900));
    await this.#prompt();
  }

  async #killAgent(): Promise<void> {
    this.hasKilled = true;
    for (const server of this.#servers) {
      const pids = await findAgents(server, this.sessionId);
      if (pids.length > 0) killIfThere(Math.min(...pids));
    }
  }

  async #delete(): Promise<void> {
    const { status, body } = await this.#request('DELETE', `/sessions/${this.sessionId}`);
    assert.ok(status === 200 || body.code === 'session_running', JSON.stringify(body));
    this.isDeleted = status === 200;
  }

  /** What hangs is cancelled; the rest ends by itself. */
  async #endTurns(): Promise<void> {
    if (this.isDeleted) return;
    const { turns } = (await this.#request('GET', `/sessions/${this.sessionId}`)).body;
    if (turns.at(-1).prompt === '[demo:hang]') await this.#cancel();
  }

  async #request(method: string, path: string, body?: object): ReturnType<TestServer['request']> {
    const server = this.#servers[this.#upTo(this.#servers.length)] ?? assert.fail('no server');
    return await server.request(method, path, body);
  }

  #upTo(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

async function checkAll(servers: readonly TestServer[], clients: readonly RandomClient[]): Promise<void> {
  const [{ context } = assert.fail('no server')] = servers;
  const { db } = context.database;
  const active = db
    .selectFrom('sessions')
    .select(['id', 'status'])
    .where('status', 'in', ['pending', 'running']);
  await until('every session has ended', async () => (await active.execute()).length === 0, 20_000);
  await until('every slot is free', async () =>
    servers.every(({ context: { worker } }) => worker.sessions.length === 0),
  );
  for (const server of servers) {
    const left = await findProcesses(server.context.dataDirectory.mark);
    assert.deepEqual(left, [], 'agent processes outlived their activations');
  }
  assert.deepEqual(await findJobs(db), [], 'jobs of sessions that have ended');
  for (const client of clients) {
    const session = await db
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', client.sessionId)
      .executeTakeFirst();
    assert.equal(session === undefined, client.isDeleted, `session ${client.sessionId}`);
    if (session === undefined) continue;
    const turns = await listTurns(db, session.id);
    const events = await readTable(db, session.id);
    const story = `${session.id}: ${turns.map(describeTurn).join(', ')}`;
    checkSession(session, turns, { client, story });
    checkLog({ session, events, story });
    for (const turn of turns) checkTurn(turn, events, { client, story });
  }
}

type Checked = { client: RandomClient; story: string };

function checkSession(session: SessionRow, turns: readonly TurnRow[], { client, story }: Checked): void {
  assert.equal(turns.length, client.accepted, `as many turns as were accepted, ${story}`);
  assert.equal(session.status, turns.at(-1)?.state, `the state of its last turn, ${story}`);
  assert.equal(session.turn_count, turns.length);
  checkSums(session, turns, story);
}

function checkTurn(turn: TurnRow, events: readonly EventView[], { client, story }: Checked): void {
  const where = `turn ${turn.number} of ${story}`;
  const phases = events.filter((event) => event.kind === 'turn' && event.turn_id === turn.id);
  const [queued, ...later] = phases.map((event) => (event.kind === 'turn' ? event.data : assert.fail()));
  assert.equal(queued?.phase, 'queued', where);
  const expected = turn.started_at === null ? ['ended'] : ['started', 'ended'];
  const continued = later.filter((data) => data.phase === 'continued');
  assert.ok(continued.length === 0 || client.hasKilled, `nothing happened to its agent, ${where}`);
  assert.deepEqual(
    later.map((data) => data.phase),
    expected.toSpliced(1, 0, ...continued.map((data) => data.phase)),
    where,
  );
  assert.equal(later.at(-1)?.state, turn.state, where);
  assert.ok(['completed', 'cancelled', 'error'].includes(turn.state), where);
  if (turn.state === 'error') {
    assert.ok(client.hasKilled, `nothing happened to its agent, ${where}`);
    assert.equal(turn.error?.code, 'agent_crashed', where);
  }
  if (turn.state !== 'completed') return;
  const said = events.filter((event) => event.kind === 'sdk' && event.turn_id === turn.id);
  const [begin, end] = phases.slice(1).map((event) => event.seq);
  assert.ok(begin !== undefined && end !== undefined);
  assert.ok(
    said.every(({ seq }) => seq > begin && seq < end),
    `what was said lies between begin and end, ${where}`,
  );
  assert.equal(said.filter((event) => event.kind === 'sdk' && event.data.type === 'result').length, 1, where);
  const sum = client.sums.get(turn.number);
  if (sum !== undefined) assert.ok(turn.result?.text?.includes(sum), `${turn.result?.text}, ${where}`);
}

function describeTurn(turn: TurnRow): string {
  const code =
    turn.error === null || turn.state === 'cancelled' ? '' : ` (${turn.error.code}: ${turn.error.message})`;
  return `${turn.number} ${JSON.stringify(turn.prompt)} ${turn.state}${code}`;
}

/** Jobs that wait or run, of sessions that still exist: those of deleted ones go when their claim lapses. */
async function findJobs(db: TestServer['context']['database']['db']): Promise<string[]> {
  const { rows } = await sql<{ state: string; session_id: string }>`
    select state, singleton_key as session_id from ${sql.table(`${QUEUE_SCHEMA}.job`)}
    where name = 'activation' and state <= 'active'
      and exists (select from sessions where id::text = singleton_key)
  `.execute(db);
  return rows.map((row) => `${row.state} ${row.session_id}`);
}

async function findAgents(server: TestServer, sessionId: string): Promise<number[]> {
  return await findProcesses(`${server.context.dataDirectory.mark}${sessionId}/`);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
}
