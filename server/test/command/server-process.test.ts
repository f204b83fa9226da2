import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { findProcesses, temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, spawnServer, startServerProcess, until } from '../support/server-process.ts';

/** More than `SAME_PRESS_MS` of main.ts. */
const SAME_PRESS_MS = 700;

const hasStatus = (server: ServerProcess, id: string, status: string) => async () =>
  (await server.request('GET', `/status/${id}`)).body.status === status;

describe('a server process', () => {
  it('can be killed in the middle of a turn: the turn goes on, nothing is lost, and so does the session', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({ prompt: 'My name is Barbara.' });
    await until('the first turn is completed', hasStatus(first, id, 'completed'));
    await first.execute({ prompt: 'run: sleep 300', allowed_tools: ['Bash'], resume_session_id: id });
    await until('the tool runs', async () =>
      JSON.stringify((await first.request('GET', `/status/${id}`)).body.messages).includes('sleep 300'),
    );
    const before = (await first.request('GET', `/status/${id}`)).body;
    first.kill('SIGKILL');
    await first.exited;
    await until('no agent and no PostgreSQL is left', async () => (await first.processes()).length === 0);

    await using second = await startServerProcess({ dataDir: directory.path });
    await until('the turn has ended', hasStatus(second, id, 'completed'));
    const after = (await second.request('GET', `/status/${id}`)).body;
    assert.deepEqual(after.messages.slice(0, before.messages.length), before.messages);
    const { turns } = (await second.request('GET', `/sessions/${id}`)).body;
    assert.deepEqual(
      turns.map(({ state }: { state: string }) => state),
      ['completed', 'completed'],
    );
    await second.execute({ prompt: 'What is my name?', resume_session_id: id });
    await until('the resumed turn is completed', hasStatus(second, id, 'completed'));
    assert.match(
      JSON.stringify((await second.request('GET', `/status/${id}`)).body.messages.slice(-2)),
      /Barbara/,
    );
  });

  it('leaves no agent behind, also when what was to end it was killed first', async () => {
    await using directory = await temporaryDirectory();
    await using server = await startServerProcess({
      dataDir: directory.path,
      env: { GREENROOM_ISOLATION: 'none' },
    });
    const id = await server.execute({ prompt: 'run: sleep 300', allowed_tools: ['Bash'] });
    await until('the tool runs', async () =>
      JSON.stringify((await server.request('GET', `/status/${id}`)).body.messages).includes('sleep 300'),
    );
    const watchers = await findProcesses('greenroom-agent');
    const own = await server.processes();
    const ours = watchers.filter((pid) => own.includes(pid));
    assert.equal(ours.length, 1);
    for (const pid of ours) process.kill(pid, 'SIGKILL');
    server.kill('SIGKILL');
    await server.exited;
    await until('no agent and no PostgreSQL is left', async () => (await server.processes()).length === 0);
  });

  it('runs what waited in the queue when it was killed, once', async () => {
    await using directory = await temporaryDirectory();
    const env = { GREENROOM_MAX_SESSIONS: '1' };
    const first = await startServerProcess({ dataDir: directory.path, env });
    const running = await first.execute({ prompt: '[demo:hang]', on_interruption: 'end' });
    await until('the first session runs', hasStatus(first, running, 'running'));
    const waiting = await first.execute({ prompt: 'hello' });
    const { queue } = (await first.request('GET', `/sessions/${waiting}`)).body;
    assert.equal(queue.position, 1);
    first.kill('SIGKILL');
    await first.exited;

    await using second = await startServerProcess({ dataDir: directory.path, env });
    await until('the waiting session is completed', hasStatus(second, waiting, 'completed'));
    const { turns } = (await second.request('GET', `/sessions/${waiting}`)).body;
    assert.equal(turns.length, 1);
    await until('the other one has ended', hasStatus(second, running, 'error'));
  });

  it('lets a running turn end after SIGTERM, refuses new ones meanwhile, exits 0 and leaves no process', async () => {
    await using directory = await temporaryDirectory();
    const server = await startServerProcess({ dataDir: directory.path });
    const id = await server.execute({ prompt: '[demo:slow 40] count from 1 to 40' });
    await until('it runs', hasStatus(server, id, 'running'));
    server.kill('SIGTERM');
    await until(
      'it is not ready any more',
      async () => (await server.request('GET', '/readyz')).status === 503,
    );
    const refused = await server.request('POST', '/execute/', { prompt: 'hello' });
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'shutting_down');
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.deepEqual(await server.exited, [0, null]);
    assert.deepEqual(await server.processes(), []);

    await using again = await startServerProcess({ dataDir: directory.path });
    // It may have left before it had asked its model.
    await until('it is completed', hasStatus(again, id, 'completed'));
  });

  it('stops at once after a second signal: a turn that is not to go on ends as interrupted', async () => {
    await using directory = await temporaryDirectory();
    const server = await startServerProcess({ dataDir: directory.path });
    const prompt = 'run: sleep 300';
    const id = await server.execute({ prompt, allowed_tools: ['Bash'], on_interruption: 'end' });
    await until('the tool runs', async () =>
      JSON.stringify((await server.request('GET', `/status/${id}`)).body.messages).includes('"sleep 300'),
    );
    server.kill('SIGINT');
    await until(
      'it is not ready any more',
      async () => (await server.request('GET', '/readyz')).status === 503,
    );
    // Presses in quick succession count as one, so it takes a patient person: this time is what the test is about.
    await delay(SAME_PRESS_MS);
    server.kill('SIGINT');
    assert.deepEqual(await server.exited, [0, null]);
    assert.deepEqual(await server.processes(), []);

    await using again = await startServerProcess({ dataDir: directory.path });
    const { turns } = (await again.request('GET', `/sessions/${id}`)).body;
    assert.equal(turns[0].error.code, 'interrupted');
  });

  it('stops with its terminal, and survives when nobody reads its output or the disk of its log is full', async () => {
    await using directory = await temporaryDirectory();
    const full = await open('/dev/full', 'w');
    const server = await startServerProcess({ dataDir: directory.path, stderr: full.fd, logLevel: 'trace' });
    await full.close();
    server.stopReading();
    const id = await server.execute({ prompt: 'hello' });
    await until('it is completed', hasStatus(server, id, 'completed'));
    server.kill('SIGHUP');
    assert.deepEqual(await server.exited, [0, null]);
    assert.deepEqual(await server.processes(), []);
  });

  it('ends with npm, which starts it', async () => {
    await using directory = await temporaryDirectory();
    const server = await startServerProcess({ dataDir: directory.path, npm: true });
    server.kill('SIGTERM');
    await server.exited;
    await until('no process is left', async () => (await server.processes()).length === 0);
    await assert.rejects(fetch(server.url));
  });

  it('refuses a data directory that another server holds, and says who', async () => {
    await using directory = await temporaryDirectory();
    await using first = await startServerProcess({ dataDir: directory.path });
    const second = spawnServer({ dataDir: directory.path });
    const [output, [code]] = await Promise.all([
      text(second.stderr as NodeJS.ReadableStream),
      once(second, 'exit'),
    ]);
    assert.equal(code, 1);
    assert.match(output, new RegExp(`${first.pid}`));
    assert.match(output, new RegExp(first.url));
  });

  it('outlives its PostgreSQL: kill -9 of the database costs neither the server nor the running turn', async () => {
    await using directory = await temporaryDirectory();
    await using server = await startServerProcess({ dataDir: directory.path });
    const id = await server.execute({ prompt: '[demo:slow 40] count from 1 to 60' });
    await until('it runs', hasStatus(server, id, 'running'));
    const pidFile = await readFile(`${directory.path}/postgres/postmaster.pid`, 'utf8');
    process.kill(Number(pidFile.split('\n')[0]), 'SIGKILL');
    await until('the turn is completed', async () => {
      const { status, body } = await server.request('GET', `/status/${id}`);
      assert.ok(status === 200 || status === 503, `unexpected ${status}: ${JSON.stringify(body)}`);
      return body.status === 'completed';
    });
    const { body } = await server.request('GET', `/status/${id}`);
    assert.equal(
      body.messages.filter((message: { type: string }) => message.type === 'ResultMessage').length,
      1,
    );
  });
});
