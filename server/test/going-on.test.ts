import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import { sessionDirectories } from '../src/agent/environment.ts';
import { startTestServer, temporaryDirectory } from './harness.ts';
import { type ServerProcess, startServerProcess, until } from './server-process.ts';

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
});
