import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { createDatabase, temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

/** More than `SAME_PRESS_MS` of main.ts. */
const SAME_PRESS_MS = 700;
/** That of `serve`, and what a busy machine adds. */
const DEADLINE_MS = 15_000 + 15_000;

async function runTool(server: ServerProcess): Promise<string> {
  const prompt = 'run: sleep 300';
  const id = await server.execute({ prompt, allowed_tools: ['Bash'], on_interruption: 'end' });
  await until(
    'the tool runs',
    async () =>
      JSON.stringify((await server.request('GET', `/status/${id}`)).body.messages).includes('sleep 300'),
    60_000,
  );
  return id;
}

/** Twice, as a person does who has no time: the pause between is what makes it two. */
async function pressTwice(server: ServerProcess): Promise<void> {
  server.kill('SIGINT');
  await delay(SAME_PRESS_MS);
  server.kill('SIGINT');
}

async function exitOf(server: ServerProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const late = AbortSignal.timeout(DEADLINE_MS);
  const isLate = new Promise<never>((_, reject) =>
    late.addEventListener('abort', () => reject(new Error('the server did not end'))),
  );
  return await Promise.race([server.exited, isLate]);
}

describe('a server that is told to stop twice while a turn runs', () => {
  it('ends, with its agents, when nobody listens at its database any more; the turn ends at the next start', async () => {
    await using directory = await temporaryDirectory();
    await using database = await createDatabase();
    const proxy = await startDatabaseProxy(database.url);
    const server = await startServerProcess({
      dataDir: directory.path,
      env: { DATABASE_URL: proxy.url },
    });
    try {
      const id = await runTool(server);
      await proxy[Symbol.asyncDispose]();
      await pressTwice(server);
      assert.deepEqual(await exitOf(server), [0, null]);
      await until('no agent is left', async () => (await server.processes()).length === 0);

      await using again = await startServerProcess({
        dataDir: directory.path,
        env: { DATABASE_URL: database.url },
      });
      await until('the turn has ended', async () => {
        const { body } = await again.request('GET', `/status/${id}`);
        return body.status === 'error' && /The server stopped while/.test(body.error);
      });
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('ends, with its agents, when its database does not answer, and says so', async () => {
    await using directory = await temporaryDirectory();
    await using database = await createDatabase();
    await using proxy = await startDatabaseProxy(database.url);
    const server = await startServerProcess({ dataDir: directory.path, env: { DATABASE_URL: proxy.url } });
    const output = text(server.stderr);
    try {
      await runTool(server);
      proxy.pause();
      await pressTwice(server);
      assert.deepEqual(await exitOf(server), [1, null]);
      assert.match(await output, /error: the server could not stop in good order/);
      await until('no agent is left', async () => (await server.processes()).length === 0);
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('ends, with its agents and its own PostgreSQL, when that is halted', async () => {
    await using directory = await temporaryDirectory();
    const server = await startServerProcess({ dataDir: directory.path });
    const output = text(server.stderr);
    try {
      await runTool(server);
      const pids = await findPostgres(directory.path);
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      await pressTwice(server);
      assert.deepEqual(await exitOf(server), [1, null]);
      assert.match(await output, /error: the server could not stop in good order/);
      await until(
        'no agent and no PostgreSQL is left',
        async () => (await server.processes()).length === 0,
        30_000,
      );
    } finally {
      server.kill('SIGKILL');
    }
  });
});

/** The postmaster and its children. */
async function findPostgres(dataDir: string): Promise<number[]> {
  const pidFile = await readFile(`${dataDir}/postgres/postmaster.pid`, 'utf8');
  const postmaster = Number(pidFile.split('\n')[0]);
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
  return [postmaster, ...children.trim().split(' ').map(Number)];
}
