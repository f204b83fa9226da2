import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sessionDirectories } from '../../src/session/directories.ts';
import { findProcesses, temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Json = any;

const ask = { approvals: 'ask' };

async function session(server: ServerProcess, id: string): Promise<Json> {
  return (await server.request('GET', `/sessions/${id}`)).body;
}

async function ended(server: ServerProcess, id: string, status = 'completed'): Promise<Json> {
  await until(
    `the session is ${status}`,
    async () => !['pending', 'running'].includes((await session(server, id)).status),
  );
  const found = await session(server, id);
  assert.equal(found.status, status, JSON.stringify(found.turns.at(-1)));
  return found;
}

async function pending(server: ServerProcess, id: string, count = 1): Promise<Json[]> {
  let approvals: Json[] = [];
  await until(`${count} approvals are pending`, async () => {
    const { body } = await server.request('GET', `/approvals?status=pending&session_id=${id}`);
    approvals = body.approvals;
    return approvals.length === count;
  });
  return approvals;
}

async function allow(server: ServerProcess, approval: Json, scope: object = {}): Promise<void> {
  const { status, body } = await server.request('POST', `/approvals/${approval.approval_id}`, {
    decision: 'allow',
    ...scope,
  });
  assert.equal(status, 200, JSON.stringify(body));
}

/** How turns went on, and why. */
async function continuations(server: ServerProcess, id: string): Promise<string[][]> {
  const { body } = await server.request('GET', `/sessions/${id}/events?limit=1000`);
  const found = body.events.filter((event: Json) => event.data.phase === 'continued');
  return found.map(({ data }: Json) => [data.continued_by, data.reason]);
}

async function hasAgent(id: string): Promise<boolean> {
  return (await findProcesses(`/${id}/`)).length > 0;
}

async function die(server: ServerProcess): Promise<void> {
  server.kill('SIGKILL');
  await server.exited;
  await until('nothing of it is left', async () => (await server.processes()).length === 0);
}

describe('a server that is killed', () => {
  it('while an approval waits: answered after the restart, the tool runs exactly once', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({
      prompt: 'run: echo before >> marker then run: echo once >> marker',
      ...ask,
    });
    const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
    const [before] = await pending(first, id);
    await allow(first, before);
    await until('the first call ran', async () => (await readFile(marker, 'utf8').catch(() => '')) !== '');
    const approvals = await pending(first, id);
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path });
    const [again] = await pending(second, id);
    assert.equal(again.approval_id, approvals[0].approval_id);
    const waiting = await session(second, id);
    assert.deepEqual([waiting.status, waiting.waiting_for], ['running', 'approval']);
    await allow(second, again);
    const { turns } = await ended(second, id);
    assert.equal(turns.length, 1);
    assert.equal(await readFile(marker, 'utf8'), 'before\nonce\n');
  });

  it('while the session is parked: the answer brings it back on the next server', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({ prompt: 'run: echo once >> marker', park_after_s: 0, ...ask });
    await pending(first, id);
    await until('no agent process is left', async () => !(await hasAgent(id)));
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path });
    const [approval] = await pending(second, id);
    await allow(second, approval);
    await ended(second, id);
    const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
    assert.equal(await readFile(marker, 'utf8'), 'once\n');
  });

  it('while a call runs that was allowed when its turn was parked: neither it nor the next turn runs it again', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const prompt = 'run: echo begun >> marker; sleep 300';
    const id = await first.execute({ prompt, ...ask, park_after_s: 0 });
    const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
    const [approval] = await pending(first, id);
    await until('the turn is parked', async () => !(await hasAgent(id)));
    await allow(first, approval);
    await until('the call runs', async () => (await readFile(marker, 'utf8').catch(() => '')) !== '');
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path });
    await ended(second, id);
    assert.deepEqual(await continuations(second, id), [['note', 'server_stopped']]);
    await second.request('POST', `/sessions/${id}/messages`, { prompt: 'what is 2 + 2?' });
    const next = await ended(second, id);
    assert.match(next.turns[1].result.text, /2 \+ 2 = 4/);
    assert.equal(await readFile(marker, 'utf8'), 'begun\n');
    const { body } = await second.request('GET', `/approvals?session_id=${id}`);
    assert.equal(body.approvals.length, 1);
  });

  for (const rules of [[], ['Bash(echo *)', 'Bash(sleep *)']]) {
    it(`while a call runs that was allowed for the session (${rules.length} rules) when its turn was parked: it is not run again`, async () => {
      await using directory = await temporaryDirectory();
      const first = await startServerProcess({ dataDir: directory.path });
      const prompt = 'run: echo begun >> marker; sleep 300';
      const id = await first.execute({ prompt, ...ask, park_after_s: 0 });
      const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
      const [approval] = await pending(first, id);
      await until('the turn is parked', async () => !(await hasAgent(id)));
      await allow(first, approval, { scope: 'session', rules });
      await until('the call runs', async () => (await readFile(marker, 'utf8').catch(() => '')) !== '');
      await die(first);

      await using second = await startServerProcess({ dataDir: directory.path });
      await ended(second, id);
      assert.deepEqual(await continuations(second, id), [['note', 'server_stopped']]);
      assert.equal(await readFile(marker, 'utf8'), 'begun\n');
    });
  }

  it('while three approvals wait side by side: each call runs once with the answer to it', async () => {
    await using directory = await temporaryDirectory();
    await using others = await temporaryDirectory();
    const files = ['one', 'two', 'three'].map((name) => join(others.path, name));
    await Promise.all(files.map(async (path) => await writeFile(path, `content of ${path}`)));
    // An isolated agent would not see files out there.
    const env = { GREENROOM_ISOLATION: 'none' };
    const first = await startServerProcess({ dataDir: directory.path, env });
    const id = await first.execute({
      prompt: files.map((path) => `read ${path}`).join(' and also '),
      ...ask,
    });
    await pending(first, id, 3);
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path, env });
    const approvals = await pending(second, id, 3);
    const [denied, ...allowed] = approvals;
    const path = `/approvals/${denied.approval_id}`;
    await second.request('POST', path, { decision: 'deny', message: 'that one is private' });
    for (const approval of allowed) await allow(second, approval);
    const { turns } = await ended(second, id);
    const { text } = turns[0].result;
    assert.match(text, /that one is private/);
    for (const approval of allowed) assert.ok(text.includes(`content of ${approval.input.file_path}`), text);
    const all = await second.request('GET', `/approvals?session_id=${id}`);
    assert.equal(all.body.approvals.length, 3, 'nothing was asked twice');
  });

  it('while an approval waits in a turn whose tools printed what no text can hold', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({
      prompt: "run: printf 'a\\000b\\377' then run: echo once >> marker",
      allowed_tools: ['Bash(printf:*)'],
      ...ask,
    });
    const [approval] = await pending(first, id);
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path });
    await allow(second, approval);
    await ended(second, id);
    const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
    assert.equal(await readFile(marker, 'utf8'), 'once\n');
    assert.equal((await second.request('GET', `/sessions/${id}/tasks`)).status, 200);
  });

  it('while an allowed tool runs, in a session that says so: the turn ends as interrupted, and the tool is not run again', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const prompt = 'run: echo once >> marker; sleep 300';
    const id = await first.execute({ prompt, on_interruption: 'end', ...ask });
    const [approval] = await pending(first, id);
    await allow(first, approval);
    const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
    await until('the tool runs', async () => (await readFile(marker, 'utf8').catch(() => '')) !== '');
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path });
    const { turns } = await ended(second, id, 'error');
    assert.equal(turns[0].error.code, 'interrupted');
    assert.equal(await readFile(marker, 'utf8'), 'once\n');
  });

  it('in a turn whose session wants it resumed: the turn goes on from its last complete step', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({
      prompt: 'run: echo once >> marker then run: until [ -e go ]; do sleep 0.05; done',
      allowed_tools: ['Bash'],
      // The old name of it.
      on_interruption: 'resume',
    });
    const { workspace } = sessionDirectories(directory.path, id);
    await until('the second tool runs', async () =>
      JSON.stringify((await first.request('GET', `/status/${id}`)).body.messages).includes('until ['),
    );
    await die(first);
    await writeFile(join(workspace, 'go'), '');

    await using second = await startServerProcess({ dataDir: directory.path });
    const { turns } = await ended(second, id);
    assert.equal(turns.length, 1);
    assert.equal(await readFile(join(workspace, 'marker'), 'utf8'), 'once\n');
  });

  it('with messages in the queue of a session: they run after the restart, each once', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({ prompt: 'run: sleep 300', allowed_tools: ['Bash'] });
    await until('the tool runs', async () => (await session(first, id)).message_count >= 2);
    const messages = `/sessions/${id}/messages`;
    await first.request('POST', messages, { prompt: 'what is 2 + 2?' });
    await first.request('POST', messages, { prompt: 'what is 3 + 3?', delivery: 'steer' });
    await die(first);

    await using second = await startServerProcess({ dataDir: directory.path });
    const { turns } = await ended(second, id);
    assert.deepEqual(
      turns.map((turn: Json) => [turn.number, turn.state, turn.result?.text]),
      [
        [1, 'completed', '3 + 3 = 6'],
        [2, 'completed', '2 + 2 = 4'],
        [3, 'completed', undefined],
      ],
    );
    assert.equal(turns[2].steered_into, turns[0].turn_id);
  });
});

describe('a server that is told to stop', () => {
  it('does not wait for people: a session with an approval is parked, and goes on elsewhere', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const id = await first.execute({ prompt: 'run: echo once >> marker', ...ask });
    await pending(first, id);
    const startedAt = performance.now();
    first.kill('SIGTERM');
    assert.deepEqual(await first.exited, [0, null]);
    assert.ok(performance.now() - startedAt < 15_000, 'it did not wait for the answer');

    await using second = await startServerProcess({ dataDir: directory.path });
    const [approval] = await pending(second, id);
    await allow(second, approval);
    await ended(second, id);
    const marker = join(sessionDirectories(directory.path, id).workspace, 'marker');
    assert.equal(await readFile(marker, 'utf8'), 'once\n');
  });
});
