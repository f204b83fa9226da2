import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import type { IsolationDriver } from '../../src/engine/isolation/driver.ts';
import { noIsolation } from '../../src/engine/isolation/none.ts';
import { type Clock, systemClock } from '../../src/ground/util/clock.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { startGateModel } from '../support/gate-model.ts';
import {
  askedBy,
  createDatabase,
  findProcesses,
  startTestServer,
  temporaryDirectory,
} from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Json = any;

async function die(server: ServerProcess): Promise<void> {
  server.kill('SIGKILL');
  await server.exited;
  await until('nothing of it is left', async () => (await server.processes()).length === 0);
}

async function ended(server: ServerProcess, id: string): Promise<Json> {
  const find = async (): Promise<Json> => (await server.request('GET', `/sessions/${id}`)).body;
  await until('the session has ended', async () => !['pending', 'running'].includes((await find()).status));
  return await find();
}

const eventsOf = async (server: ServerProcess, id: string): Promise<Json[]> =>
  (await server.request('GET', `/sessions/${id}/events?limit=1000`)).body.events;
const continuations = async (server: ServerProcess, id: string): Promise<Json[]> =>
  (await eventsOf(server, id)).filter(({ kind, data }) => kind === 'turn' && data.phase === 'continued');
const textOf = async (path: string): Promise<string> => await readFile(path, 'utf8').catch(() => '');

/** Runs a turn that is to go on; kills its server at the moment, and starts the next one. */
async function cutOff(
  request: object,
  when: (server: ServerProcess, id: string, marker: string) => Promise<boolean>,
  check: (server: ServerProcess, id: string, marker: string) => Promise<void>,
): Promise<void> {
  await using directory = await temporaryDirectory();
  const first = await startServerProcess({ dataDir: directory.path });
  const id = await first.execute({
    allowed_tools: ['Bash'],
    on_interruption: 'continue',
    prompt: 'hello',
    ...request,
  });
  const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
  await until('it is time', async () => await when(first, id, marker));
  await die(first);
  await using second = await startServerProcess({ dataDir: directory.path });
  await check(second, id, marker);
}

const hasRun = async (_server: ServerProcess, _id: string, marker: string): Promise<boolean> =>
  (await textOf(marker)) !== '';

describe('a turn that is to go on when its server dies', () => {
  it('goes on while a tool ran: its agent is told that nobody knows what came of it, and it is run once', async () => {
    const prompt = 'run: echo once >> marker; sleep 300';
    await cutOff({ prompt }, hasRun, async (server, id, marker) => {
      const { status, turns } = await ended(server, id);
      assert.deepEqual([status, turns.length], ['completed', 1], JSON.stringify(turns[0]?.error));
      assert.equal(await textOf(marker), 'once\n');
      const [told, ...more] = await continuations(server, id);
      assert.deepEqual([told.data.continued_by, more], ['note', []]);
      assert.match(told.data.text, /is unknown[\s\S]*- Bash \{"command":"echo once >> marker; sleep 300"/);
    });
  });

  it('goes on at the model request, where no tool was at work', async () => {
    const prompt = '[demo:slow 300] run: echo once >> marker';
    const hasResult = async (server: ServerProcess, id: string): Promise<boolean> =>
      JSON.stringify(await eventsOf(server, id)).includes('"tool_result"');
    await cutOff({ prompt, max_turns: 5 }, hasResult, async (server, id, marker) => {
      const { status, turns } = await ended(server, id);
      assert.deepEqual([status, turns.length], ['completed', 1], JSON.stringify(turns[0]?.error));
      assert.match(turns[0].result.text, /I ran/);
      assert.equal(turns[0].result.num_turns, 2, 'it counts on');
      assert.equal(await textOf(marker), 'once\n');
      const [told] = await continuations(server, id);
      assert.equal(told.data.continued_by, 'request');
    });
  });

  it('goes on with what was read of its messages, and runs the others after it', async () => {
    const prompt = 'run: echo once >> marker; sleep 300';
    const isSteered = async (server: ServerProcess, id: string, marker: string): Promise<boolean> => {
      if ((await textOf(marker)) === '') return false;
      const message = { prompt: 'what is 2 + 2?', delivery: 'steer' };
      await server.request('POST', `/sessions/${id}/messages`, message);
      await until('it was handed over', async () =>
        (await eventsOf(server, id)).some(({ data }) => data.phase === 'steered'),
      );
      return true;
    };
    await cutOff({ prompt }, isSteered, async (server, id, marker) => {
      const { turns } = await ended(server, id);
      assert.equal(await textOf(marker), 'once\n');
      assert.deepEqual(
        turns.map(({ state }: Json) => state),
        ['completed', 'completed'],
      );
      assert.match(JSON.stringify(turns.map(({ result }: Json) => result?.text)), /2 \+ 2 = 4/);
    });
  });

  it('is over where its agent had said the result, and only that was not written down', async () => {
    await using server = await startTestServer({ config: { idleTtl: 0 } });
    const { db } = server.context.database;
    const id = await server.execute({ prompt: 'what is 2 + 2?', on_interruption: 'continue' });
    await server.ended(id);
    await server.context.worker.released(id);
    // What a server leaves that dies before it has written the end down.
    const { queue } = server.context.sessions;
    const { last_seq } = await server.client.sessions.get(id);
    await db.transaction().execute(async (trx) => {
      const open = { state: 'running' as const, ended_at: null, result: null, is_accounted: false };
      await trx.updateTable('turns').set(open).where('session_id', '=', id).execute();
      await sql`update sessions set status = 'running', worker_id = gen_random_uuid() where id = ${id}`.execute(
        trx,
      );
      await queue.send(trx, { id, tenantId: 'default' });
    });
    await server.event(
      id,
      ({ seq, kind, data }) => seq > last_seq && kind === 'turn' && 'phase' in data && data.phase === 'ended',
    );
    const session = await server.client.sessions.get(id);
    assert.deepEqual(
      session.turns.map(({ state, result }) => [state, result?.text]),
      [['completed', '2 + 2 = 4']],
    );
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from usage_ledger where session_id = ${id}`.execute(db);
    assert.equal(rows[0]?.n, 1, 'the model was asked once');
  });

  it('is gone on with by a note where the process that was to go on says nothing', async () => {
    const starts: string[] = [];
    const driver: IsolationDriver = {
      ...noIsolation,
      prepare: async (request) => {
        const sandbox = await noIsolation.prepare(request);
        const spawn: typeof sandbox.spawn = (command) => {
          starts.push(command.command);
          return sandbox.spawn(
            starts.length === 2 ? { ...command, command: 'sleep', args: ['600'] } : command,
          );
        };
        return { ...sandbox, spawn };
      },
    };
    // What is waited for so long, and only that, is waited for no longer.
    const clock: Clock = {
      ...systemClock,
      after: (ms, call) => systemClock.after(ms === 30_000 ? 200 : ms, call),
    };
    await using server = await startTestServer({ parts: { driver, clock } });
    const prompt = '[demo:slow 20] run: echo once >> marker';
    const id = await server.execute({ prompt, allowed_tools: ['Bash'] });
    await server.event(id, ({ data }) => JSON.stringify(data).includes('"tool_result"'));
    const pids = await findProcesses(`/${id}/`);
    process.kill(Math.min(...pids), 'SIGKILL');
    assert.equal((await server.ended(id)).status, 'completed');
    assert.equal(starts.length, 3);
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const went = events.filter(({ data }) => 'phase' in data && data.phase === 'continued');
    assert.deepEqual(
      went.map(({ data }) => [(data as Json).continued_by, (data as Json).reason]),
      [
        ['request', 'agent_ended'],
        ['note', 'agent_silent'],
      ],
    );
    const { workspace } = sessionDirectories(server.config.dataDir, id);
    assert.equal(await textOf(join(workspace, 'marker')), 'once\n');
  });

  it('is told of a call once, and goes on at the request when it is cut off after that', async () => {
    await using gate = await startGateModel();
    const config = { anthropicBaseUrl: gate.url, anthropicApiKey: 'dummy' };
    await using server = await startTestServer({ config });
    const key = 'cut-off-twice';
    gate.hold(key, { request: 2, at: 'the question' });
    const prompt = 'run: echo once >> marker; sleep 300';
    const id = await server.execute({ prompt, allowed_tools: ['Bash'], append_system_prompt: key });
    const marker = join(sessionDirectories(server.config.dataDir, id).workspace, 'marker');
    const killProgram = async (): Promise<void> => {
      process.kill(Math.min(...(await findProcesses(`/${id}/`))), 'SIGKILL');
    };
    await until('the tool runs', async () => (await textOf(marker)) !== '');
    await killProgram();
    await until('the note is answered', async () => gate.holds(key));
    await killProgram();
    assert.equal((await server.ended(id)).status, 'completed');
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const went = events.map(({ data }): Json => data).filter(({ phase }) => phase === 'continued');
    assert.deepEqual(
      went.map(({ continued_by }) => continued_by),
      ['note', 'request'],
    );
    assert.equal(await textOf(marker), 'once\n');
  });

  it('is told of no call that only waited for its caller, and was made anew', async () => {
    await using server = await startTestServer();
    const note = { name: 'note', description: 'Takes a note.', input_schema: { type: 'object' } };
    const id = await server.execute({
      prompt: 'use mcp__client__note {} then run: echo once >> marker; sleep 300',
      client_tools: [note],
      allowed_tools: ['Bash'],
      park_after_s: 0,
    });
    const { approval_id } = await askedBy(server, id);
    await until('the turn is parked', async () => (await findProcesses(`/${id}/`)).length === 0);
    await server.request('POST', `/approvals/${approval_id}`, { result: { content: 'noted' } });
    const marker = join(sessionDirectories(server.config.dataDir, id).workspace, 'marker');
    await until('the tool runs', async () => (await textOf(marker)) !== '');
    process.kill(Math.min(...(await findProcesses(`/${id}/`))), 'SIGKILL');
    assert.equal((await server.ended(id)).status, 'completed');
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const [went] = events.map(({ data }): Json => data).filter(({ phase }) => phase === 'continued');
    assert.deepEqual(went.text.match(/^- \w+/gm), ['- Bash']);
    assert.equal(await textOf(marker), 'once\n');
  });

  it('goes on at the request, however often, where a call beside a finished one had waited for its caller', async () => {
    await using gate = await startGateModel();
    const config = { anthropicBaseUrl: gate.url, anthropicApiKey: 'dummy' };
    await using server = await startTestServer({ config });
    const key = 'one-waited-one-did-not';
    const note = { name: 'note', description: 'Takes a note.', input_schema: { type: 'object' } };
    const id = await server.execute({
      prompt: 'run: echo once >> marker and also use mcp__client__note {}',
      client_tools: [note],
      allowed_tools: ['Bash'],
      park_after_s: 0,
      append_system_prompt: key,
    });
    const { approval_id } = await askedBy(server, id);
    await until('the turn is parked', async () => (await findProcesses(`/${id}/`)).length === 0);
    gate.hold(key, { request: 1, at: 'the question' });
    await server.request('POST', `/approvals/${approval_id}`, { result: { content: 'noted' } });
    await until('it went on', async () => gate.holds(key));
    process.kill(Math.min(...(await findProcesses(`/${id}/`))), 'SIGKILL');
    assert.equal((await server.ended(id)).status, 'completed');
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const went = events.map(({ data }): Json => data).filter(({ phase }) => phase === 'continued');
    assert.deepEqual(
      went.map(({ continued_by }) => continued_by),
      ['request'],
    );
    const marker = join(sessionDirectories(server.config.dataDir, id).workspace, 'marker');
    assert.equal(await textOf(marker), 'once\n');
  });

  it('is given its prompt again, with a note, where nothing of it was stored and a tool of it may have run', async () => {
    await using gate = await startGateModel();
    await using database = await createDatabase();
    await using directory = await temporaryDirectory();
    const config = { anthropicBaseUrl: gate.url, anthropicApiKey: 'dummy' };
    const start = { databaseUrl: database.url, dataDir: directory.path, config };
    const key = 'nothing-was-stored';
    gate.hold(key, { request: 2, at: 'the question' });
    let id: string;
    {
      await using server = await startTestServer(start);
      const prompt = 'run: echo once >> marker; sleep 300';
      id = await server.execute({ prompt, allowed_tools: ['Bash'], append_system_prompt: key });
      const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
      await until('the tool runs', async () => (await textOf(marker)) !== '');
      await server.context.worker.drain(0, new AbortController().signal);
      await sql`delete from transcripts`.execute(server.context.database.db);
    }
    await using server = await startTestServer(start);
    await until('the note is answered', async () => gate.holds(key));
    process.kill(Math.min(...(await findProcesses(`/${id}/`))), 'SIGKILL');
    let count = 0;
    await server.event(id, ({ data }) => 'phase' in data && data.phase === 'continued' && ++count === 2);
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const went = events.map(({ data }): Json => data).filter(({ phase }) => phase === 'continued');
    assert.deepEqual(
      went.map(({ continued_by, lost }) => [continued_by, lost.length > 0]),
      [
        ['note', true],
        ['request', false],
      ],
    );
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from transcripts
      where type = 'user' and entry::text like '%echo once%' and entry::text not like '%tool_result%'
    `.execute(server.context.database.db);
    assert.equal(rows[0]?.n, 1, 'it is in the conversation once');
    // The demo model does not understand the note, and calls again.
    await server.client.sessions.cancel(id);
  });

  it('that an older server had begun, which noted no call, ends where a tool may have run', async () => {
    await using database = await createDatabase();
    await using directory = await temporaryDirectory();
    const start = { databaseUrl: database.url, dataDir: directory.path };
    let id: string;
    {
      await using server = await startTestServer(start);
      id = await server.execute({ prompt: 'run: echo once >> marker; sleep 300', allowed_tools: ['Bash'] });
      const marker = join(sessionDirectories(server.config.dataDir, id).workspace, 'marker');
      await until('the tool runs', async () => (await textOf(marker)) !== '');
      await server.context.worker.drain(0, new AbortController().signal);
      const { db } = server.context.database;
      await sql`update turns set notes_calls = false, left_for = null`.execute(db);
      await sql`delete from let_through_calls`.execute(db);
    }
    await using server = await startTestServer(start);
    assert.equal((await server.ended(id)).status, 'error');
    const { turns } = await server.client.sessions.get(id);
    assert.equal(turns[0]?.error?.code, 'interrupted');
  });

  it('ends when its agent dies again and again without getting any further', async () => {
    let starts = 0;
    const driver: IsolationDriver = {
      ...noIsolation,
      prepare: async (request) => {
        const sandbox = await noIsolation.prepare(request);
        const spawn: typeof sandbox.spawn = (command) => {
          starts += 1;
          return sandbox.spawn({ ...command, command: 'sh', args: ['-c', 'echo no memory >&2; exit 137'] });
        };
        return { ...sandbox, spawn };
      },
    };
    await using server = await startTestServer({ parts: { driver } });
    const id = await server.execute({ prompt: 'hello' });
    assert.equal((await server.ended(id)).status, 'error');
    const { turns } = await server.client.sessions.get(id);
    assert.equal(turns[0]?.error?.code, 'agent_crashed');
    assert.match(turns[0]?.error?.message ?? '', /no memory/);
    assert.equal(starts, 4);
  });

  it('marks what the log has of an answer that is asked for again, and takes only its own time', async () => {
    await using server = await startTestServer({ config: { idleTtl: 0 } });
    const { db } = server.context.database;
    const id = await server.execute({ prompt: 'what is 2 + 2?', timeout_s: 60 });
    await server.ended(id);
    await server.context.worker.released(id);
    // What a server leaves that dies after the answer, and before its agent's result.
    await db.transaction().execute(async (trx) => {
      const open = { state: 'running' as const, ended_at: null, result: null, is_accounted: false };
      await trx.updateTable('turns').set(open).where('session_id', '=', id).execute();
      await sql`update sessions set status = 'running', worker_id = gen_random_uuid(),
        last_seq = (select max(seq) from events where session_id = ${id} and kind = 'sdk' and data->>'type' = 'assistant')
        where id = ${id}`.execute(trx);
      await sql`delete from events where session_id = ${id}
        and seq > (select last_seq from sessions where id = ${id})`.execute(trx);
      await server.context.sessions.queue.send(trx, { id, tenantId: 'default' });
    });
    const went = await server.event(id, ({ data }) => 'phase' in data && data.phase === 'continued');
    await server.event(id, ({ data }) => 'phase' in data && data.phase === 'ended');
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const answers = events.map(({ data }): Json => data).filter(({ type }) => type === 'assistant');
    assert.equal(answers.length, 2);
    assert.deepEqual((went.data as Json).lost, [answers[0].uuid]);
  });
});
