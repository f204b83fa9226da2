import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { createDatabaseClient, type DatabaseClient } from '../../src/ground/db/client.ts';
import { createSilentLogger, type Logger } from '../../src/ground/log.ts';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { createDatabase, findProcesses, startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

/** A claim stands for 10 s, but is given up long before. */
const heartbeatTimes = { between: 50, answer: 400, claim: 800 };

/** Counts what a server could not do for want of its database. */
function countMissed(): { logger: Logger; missed: () => number } {
  const logger = createSilentLogger();
  let missed = 0;
  logger.warn = ((_fields: object, message?: string) => {
    if (message === 'missed a heartbeat') missed += 1;
  }) as Logger['warn'];
  return { logger, missed: () => missed };
}

async function agentsOf(server: TestServer): Promise<number[]> {
  return await findProcesses(server.context.dataDirectory.mark);
}

async function runs(server: TestServer, prompt: string, options: object = {}): Promise<string> {
  const id = await server.execute({ prompt, allowed_tools: ['Bash'], ...options });
  await server.event(id, (event) => event.kind === 'sdk');
  return id;
}

async function stop(server: TestServer, id: string): Promise<void> {
  await server.request('POST', `/cancel/${id}`);
  await server.ended(id);
}

describe('claims on sessions', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let direct: DatabaseClient;
  before(async () => {
    database = await createDatabase();
    direct = createDatabaseClient({ connectionString: database.url }, { logger: createSilentLogger() });
  });
  after(async () => {
    await direct[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  type Job = { state: string; retry_count: number; heartbeat_on: string };
  async function findJob(sessionId: string): Promise<Job | undefined> {
    const { rows } = await sql<Job>`
      select state, retry_count, heartbeat_on::text from greenroom_queue.job where singleton_key = ${sessionId}
        and state <= 'active'
    `.execute(direct.db);
    return rows[0];
  }

  async function renewedThrice(sessionId: string): Promise<void> {
    const seen = new Set<string>();
    await until('the claim was renewed thrice', async () => {
      seen.add((await findJob(sessionId))?.heartbeat_on ?? '');
      return seen.size > 3;
    });
  }

  /** As if it had not been renewed for longer than it lives. */
  async function lapse(sessionId: string): Promise<void> {
    await sql`
      update greenroom_queue.job set heartbeat_on = now() - interval '1 minute'
      where singleton_key = ${sessionId} and state = 'active'
    `.execute(direct.db);
  }

  async function stateOf(server: TestServer, id: string): Promise<string> {
    return (await server.request('GET', `/status/${id}`)).body.status;
  }

  it('are renewed while a session is locked whose approval has expired', async () => {
    await using server = await startTestServer({ databaseUrl: database.url, parts: { heartbeatTimes } });
    const id = await server.execute({ prompt: 'run: touch made', approvals: 'ask' });
    await server.event(id, (event) => event.kind === 'approval');
    await direct.db.transaction().execute(async (trx) => {
      await trx.selectFrom('sessions').select('id').where('id', '=', id).forUpdate().execute();
      await sql`update approvals set expires_at = now() where session_id = ${id}`.execute(direct.db);
      await renewedThrice(id);
    });
    assert.equal((await server.ended(id)).status, 'completed');
  });

  it('are renewed while all other connections are taken', async () => {
    await using server = await startTestServer({ databaseUrl: database.url, parts: { heartbeatTimes } });
    const id = await runs(server, '[demo:hang]');
    const { pool } = server.context.database;
    const { max } = pool.options;
    const taken = await Promise.all(Array.from({ length: max }, async () => await pool.connect()));
    try {
      await renewedThrice(id);
    } finally {
      for (const client of taken) client.release();
    }
    await stop(server, id);
  });

  it('are renewed while 200 approvals expire, and none of these waits for one whose session is locked', async () => {
    await using server = await startTestServer({ databaseUrl: database.url, parts: { heartbeatTimes } });
    const running = await runs(server, '[demo:hang]');
    const id = await server.execute({ prompt: 'run: touch made', approvals: 'ask' });
    await server.event(id, (event) => event.kind === 'approval');
    await direct.db.transaction().execute(async (trx) => {
      // The locked one expires first.
      await trx.selectFrom('sessions').select('id').where('id', '=', id).forUpdate().execute();
      await sql`
        with copies as (select gen_random_uuid() as session, gen_random_uuid() as turn from generate_series(1, 199)),
        sessions_made as (
          insert into sessions select (jsonb_populate_record(null::sessions, to_jsonb(sessions) ||
            jsonb_build_object('id', session, 'claude_session_id', session, 'worker_id', gen_random_uuid()))).*
          from sessions, copies where id = ${id} returning id
        ), turns_made as (
          insert into turns select (jsonb_populate_record(null::turns, to_jsonb(turns) ||
            jsonb_build_object('id', turn, 'session_id', session))).*
          from turns, copies where session_id = ${id} and session in (select id from sessions_made) returning id
        ), approvals_made as (
          insert into approvals select (jsonb_populate_record(null::approvals, to_jsonb(approvals) ||
            jsonb_build_object('id', gen_random_uuid(), 'turn_id', turn, 'session_id', session, 'expires_at', now()))).*
          from approvals, copies where session_id = ${id} and turn in (select id from turns_made) returning id
        )
        select count(*) from approvals_made
      `.execute(direct.db);
      await sql`
        update approvals set expires_at = now() - interval '1 second' where session_id = ${id}
      `.execute(direct.db);
      await until(
        'all others have expired',
        async () => {
          const { rows } = await sql<{ n: number }>`
          select count(*)::int as n from approvals where status = 'expired'
        `.execute(direct.db);
          return (rows[0]?.n ?? 0) >= 199;
        },
        60_000,
      );
      await renewedThrice(running);
    });
    assert.equal((await server.ended(id)).status, 'completed');
    assert.equal(await stateOf(server, running), 'running');
    await sql`delete from sessions where id <> ${id} and id <> ${running} and status = 'running'`.execute(
      direct.db,
    );
    await stop(server, running);
  });

  it('that lapsed, but that nobody has taken, are taken back, also where there is no free slot', async () => {
    await using server = await startTestServer({
      databaseUrl: database.url,
      config: { maxSessions: 1 },
      parts: { heartbeatTimes },
    });
    const id = await runs(server, '[demo:slow 20] count from 1 to 40');
    const before = await findJob(id);
    // What is left of a claim that the queue found lapsed.
    await sql`update greenroom_queue.job set state = 'retry' where singleton_key = ${id}`.execute(direct.db);
    await until('it is claimed again', async () => (await findJob(id))?.state === 'active');
    assert.equal((await findJob(id))?.retry_count, before?.retry_count);
    assert.equal((await server.ended(id)).status, 'completed');
  });

  it('are kept by a server that is alone, however long it cannot reach its database', async () => {
    await using proxy = await startDatabaseProxy(database.url);
    const { logger, missed } = countMissed();
    await using server = await startTestServer({
      databaseUrl: proxy.url,
      parts: { heartbeatTimes, logger },
    });
    const id = await runs(server, 'run: sleep 300');
    await renewedThrice(id);
    proxy.pause();
    await until('far more than the time of a claim is over', async () => missed() >= 4);
    proxy.resume();
    await renewedThrice(id);
    assert.equal(await stateOf(server, id), 'running');
    await stop(server, id);
  });

  it('are given up before others may take them, by a server that cannot reach the database; the turn goes on there, and says why', async () => {
    await using proxy = await startDatabaseProxy(database.url);
    await using server = await startTestServer({ databaseUrl: proxy.url, parts: { heartbeatTimes } });
    const id = await runs(server, 'run: sleep 300');
    await using other = await startTestServer({ databaseUrl: database.url, parts: { heartbeatTimes } });
    const claims = server.context.worker;
    await until('the call is noted', async () => {
      const { rows } = await sql`select from let_through_calls where session_id = ${id}`.execute(direct.db);
      return rows.length > 0;
    });
    await renewedThrice(id);
    proxy.pause();
    await until('its agent has ended', async () => (await agentsOf(server)).length === 0);
    assert.equal((await findJob(id))?.state, 'active', 'before its claim has lapsed');
    await lapse(id);
    const status = await other.ended(id);
    const { events } = await other.client.sessions.events(id, { limit: 1000 });
    proxy.resume();
    assert.equal(status.status, 'completed');
    const reasons = events.flatMap(({ data }) => ('reason' in data ? data.reason : []));
    assert.deepEqual(reasons, ['server_silent']);
    await until('it holds no slot', async () => claims.sessions.length === 0);
  });

  it('that another server took while this one could not ask are found out as soon as it can', async () => {
    await using proxy = await startDatabaseProxy(database.url);
    const { logger, missed } = countMissed();
    await using server = await startTestServer({
      databaseUrl: proxy.url,
      parts: { heartbeatTimes, logger },
    });
    const id = await runs(server, 'run: sleep 300', { on_interruption: 'end' });
    await renewedThrice(id);
    proxy.pause();
    await until('it has noticed', async () => missed() > 0);
    await using other = await startTestServer({ databaseUrl: database.url, parts: { heartbeatTimes } });
    await lapse(id);
    await other.ended(id);
    assert.equal((await agentsOf(server)).length > 0, true, 'it was alone when it could ask last');
    proxy.resume();
    await until('its agent has ended', async () => (await agentsOf(server)).length === 0);
    const { turns } = await other.client.sessions.get(id);
    assert.equal(turns.length, 1);
  });
});

describe('a server with its own database', () => {
  it('ends no turn when the database stands still', async () => {
    const { logger, missed } = countMissed();
    await using server = await startTestServer({
      databaseUrl: null,
      parts: { heartbeatTimes, logger },
    });
    const id = await runs(server, '[demo:slow 20] count from 1 to 40');
    const all = await findDatabaseProcesses(server.config.dataDir);
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    try {
      await until('far more than the time of a claim is over', async () => missed() >= 4);
    } finally {
      for (const pid of all) process.kill(pid, 'SIGCONT');
    }
    assert.equal((await server.ended(id)).status, 'completed');
  });
});

/** The postmaster and its children. */
async function findDatabaseProcesses(dataDir: string): Promise<number[]> {
  const pidFile = await readFile(`${dataDir}/postgres/postmaster.pid`, 'utf8');
  const postmaster = Number(pidFile.split('\n')[0]);
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
  return [postmaster, ...children.trim().split(' ').map(Number)];
}
