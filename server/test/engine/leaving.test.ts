import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sessionDirectories } from '../../src/session/directories.ts';
import type { EventView } from '../../src/session/event/event.ts';
import { createDatabase, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';

const never = new AbortController().signal;

/** One call after the other, each with a mark in the file. */
function steps(count: number, pause = '0.2'): string {
  return Array.from({ length: count }, (_, n) => `run: echo ${n} >> marks; sleep ${pause}`).join(' then ');
}

const marked = async (directory: string): Promise<string> =>
  await readFile(join(directory, 'marks'), 'utf8').catch(() => '');

async function continuations(server: TestServer, id: string): Promise<unknown[]> {
  const { events } = await server.client.sessions.events(id, { limit: 1000 });
  return events.flatMap(({ data }) =>
    'continued_by' in data
      ? [[(data as { continued_by: string; reason: string }).continued_by, data.reason]]
      : [],
  );
}

const hasCalled = (event: EventView): boolean => JSON.stringify(event.data).includes('"tool_result"');

describe('a server that is to stop', () => {
  it('leaves its turns at their next requests to the model, and another server goes on with them at once', async () => {
    await using database = await createDatabase();
    await using root = await temporaryDirectory();
    const options = { databaseUrl: database.url, config: { workspaceRoots: [root.path] } };
    const sessions: { id: string; cwd: string }[] = [];
    const count = 8;
    await using stack = new AsyncDisposableStack();
    const start = async (): Promise<TestServer> => stack.use(await startTestServer(options));
    const first = await start();
    for (const on_interruption of ['continue', 'continue', 'end']) {
      const directory = stack.use(await temporaryDirectory(root.path));
      const body = { prompt: steps(count), cwd: directory.path, allowed_tools: ['Bash'], on_interruption };
      sessions.push({ id: await first.execute(body), cwd: directory.path });
    }
    for (const { id } of sessions) await first.event(id, hasCalled);
    const second = await start();
    await first.context.worker.drain(120_000, never);
    for (const { id } of sessions) {
      const { turns } = await second.client.sessions.get(id);
      assert.equal(turns[0]?.state, 'running', 'it did not wait for its end');
    }
    // The next one, in its turn.
    for (const { id } of sessions)
      await second.event(id, ({ data }) => 'phase' in data && data.phase === 'continued');
    const third = await start();
    await second.context.worker.drain(120_000, never);
    for (const { id, cwd } of sessions) {
      assert.equal((await third.ended(id)).status, 'completed');
      const lines = Array.from({ length: count }, (_, n) => `${n}\n`).join('');
      assert.equal(await marked(cwd), lines, 'each call ran once');
      const ways = await continuations(third, id);
      assert.ok(ways.length >= 1, 'it went on elsewhere');
      for (const way of ways) assert.deepEqual(way, ['request', 'server_stopped']);
    }
  });
});

describe('a session that waits for a slot on a full server', () => {
  it('gets one of a tenant that has two more, at the next request of it; that one goes on later', async () => {
    await using server = await startTestServer({ config: { maxSessions: 2, slotPatience: 500 } });
    const { key } = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const operator = server.as(key);
    const holderOf = async (tenant: string): Promise<TestServer> =>
      server.as((await operator.client.apiKeys.create({ name: tenant, tenant, scopes: ['admin'] })).key);
    const [busy, quiet] = [await holderOf('busy'), await holderOf('quiet')];
    const body = { prompt: steps(12, '0.7'), allowed_tools: ['Bash'] };
    const long = [await busy.execute(body), await busy.execute(body)];
    for (const id of long) await busy.event(id, hasCalled);
    const waiting = await quiet.execute({ prompt: 'what is 2 + 2?' });
    assert.equal((await quiet.ended(waiting)).status, 'completed');
    for (const id of long)
      assert.equal(
        (await busy.client.sessions.get(id)).turns[0]?.state,
        'running',
        'it did not wait for the end',
      );
    const ways: unknown[] = [];
    for (const id of long) {
      assert.equal((await busy.ended(id)).status, 'completed');
      const { workspace } = sessionDirectories(server.config.dataDir, id);
      assert.equal(await marked(workspace), Array.from({ length: 12 }, (_, n) => `${n}\n`).join(''));
      ways.push(...(await continuations(busy, id)));
    }
    assert.deepEqual(ways, [['request', 'made_room']]);
  });
});
