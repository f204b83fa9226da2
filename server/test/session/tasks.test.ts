import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sessionDirectories } from '../../src/session/directories.ts';
import { appendFenced } from '../../src/session/event/store.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

const inBackground = (command: string): string =>
  `use Bash ${JSON.stringify({ command, run_in_background: true })}`;

describe('a background task', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const begin = async (command: string): Promise<string> =>
    await server.execute({ prompt: inBackground(command), allowed_tools: ['Bash'], background_tasks: true });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  const tasks = async (id: string): Promise<any[]> =>
    (await server.request('GET', `/sessions/${id}/tasks`)).body.tasks;
  const systemMessage = async (id: string, subtype: string) =>
    await server.event(id, (event) => event.kind === 'sdk' && event.data.subtype === subtype);

  it('goes on after its turn and after an interrupt, and is stopped by itself', async () => {
    const id = await begin('sleep 300');
    await server.ended(id);
    const [task] = await tasks(id);
    assert.equal(task.status, 'running');
    await server.execute({ prompt: 'run: sleep 200', resume_session_id: id });
    await server.event(
      id,
      (event) => event.kind === 'sdk' && JSON.stringify(event.data).includes('"sleep 200"'),
    );
    await server.request('POST', `/sessions/${id}/interrupt`);
    await server.ended(id);
    assert.equal((await tasks(id))[0].status, 'running');
    const stopped = await server.request('POST', `/sessions/${id}/tasks/${task.task_id}/stop`);
    assert.equal(stopped.status, 202);
    await systemMessage(id, 'task_notification');
    assert.equal((await tasks(id))[0].status, 'stopped');
    const unknown = await server.request('POST', `/sessions/${id}/tasks/nothing/stop`);
    assert.equal(unknown.status, 404);
  });

  it('that ends while the session is idle begins a turn of its own, which is charged like any other', async () => {
    const id = await begin('sleep 1; echo finished');
    await server.ended(id);
    await server.event(
      id,
      (event) => event.kind === 'turn' && event.data.turn === 2 && event.data.phase === 'ended',
    );
    const session = (await server.request('GET', `/sessions/${id}`)).body;
    const [, second] = session.turns;
    assert.deepEqual([second.delivery, second.state], ['task', 'completed']);
    assert.ok(second.cost_usd > 0);
    assert.equal((await tasks(id))[0].status, 'completed');
    assert.equal(session.status, 'completed');
  });

  /** Has the log of a session tell what an agent would; @returns its id */
  const tell = async (messages: readonly object[]): Promise<string> => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const { db } = server.context.database;
    const { fence } = await db
      .selectFrom('sessions')
      .select('fence')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const items = messages.map((message) => {
      const data = { type: 'system', ...message };
      return { sessionId: id, fence, draft: { kind: 'sdk' as const, data, turnId: null, at: new Date() } };
    });
    await appendFenced(db, randomUUID(), items);
    return id;
  };
  const started = (n: number) => ({
    subtype: 'task_started',
    task_id: `task-${n}`,
    description: `sleep ${n}`,
    is_backgrounded: true,
  });
  const over = (n: number, summary = 'done') => ({
    subtype: 'task_notification',
    task_id: `task-${n}`,
    status: 'completed',
    summary,
  });

  const ends = async (id: string): Promise<unknown[]> =>
    (await tasks(id)).map(({ task_id, summary }) => [task_id, summary]);

  it('is noted with the events that tell of it: no list reads the log', async () => {
    const id = await tell([started(1), started(2), over(1), over(3)]);
    await server.context.database.db.deleteFrom('events').where('session_id', '=', id).execute();
    assert.deepEqual(await ends(id), [
      ['task-1', 'done'],
      ['task-2', null],
    ]);
  });

  it('is one of a page: the newest come first, and `next` leads to the others', async () => {
    const id = await tell(Array.from({ length: 250 }, (_, n) => started(n)));
    const list = async (query: string) => (await server.request('GET', `/sessions/${id}/tasks${query}`)).body;
    const newest = await list('');
    assert.deepEqual(
      [newest.tasks.length, newest.tasks[0].task_id, newest.tasks.at(-1).task_id],
      [200, 'task-50', 'task-249'],
    );
    const older = await list(`?cursor=${newest.next}`);
    assert.deepEqual([older.tasks.length, older.tasks[0].task_id, older.next], [50, 'task-0', null]);
    assert.equal((await server.request('GET', `/sessions/${id}/tasks?cursor=x`)).status, 422);
  });

  it('is found in the log of a session that is older than the notes, and then noted', async () => {
    const id = await tell([started(1), over(1), started(2)]);
    const { db } = server.context.database;
    const before = await ends(id);
    await db.deleteFrom('tasks').where('session_id', '=', id).execute();
    await db.updateTable('sessions').set({ are_tasks_noted: false }).where('id', '=', id).execute();
    assert.deepEqual(await ends(id), before);
    await db.deleteFrom('events').where('session_id', '=', id).execute();
    assert.deepEqual(await ends(id), before);
  });

  it('says what PostgreSQL cannot store, and much, in a bounded way', async () => {
    const id = await tell([started(1), over(1, `\u0000${'x'.repeat(100_000)}\ud800`)]);
    const [task] = await tasks(id);
    assert.equal(task.summary, `\ufffd${'x'.repeat(3_999)}`);
  });

  it('is in a fork as it was when the history ends', async () => {
    const id = await tell([started(1), over(1), started(2)]);
    const { last_seq } = (await server.request('GET', `/sessions/${id}`)).body;
    const fork = async (seq: number): Promise<unknown[]> => {
      const { body } = await server.request('POST', `/sessions/${id}/fork`, { at: seq });
      return (await tasks(body.session_id)).map(({ task_id, status }) => [task_id, status]);
    };
    assert.deepEqual(await fork(last_seq - 2), [['task-1', 'stopped']]);
    assert.deepEqual(await fork(last_seq), [
      ['task-1', 'completed'],
      ['task-2', 'stopped'],
    ]);
  });

  it('may be a subagent that its turn waits for: it is stopped alone, and the turn goes on', async () => {
    const id = await server.execute({
      prompt: 'delegate: run: sleep 300',
      allowed_tools: ['Agent', 'Bash'],
    });
    const call = await server.event(
      id,
      ({ kind, data }) =>
        kind === 'sdk' &&
        data.type === 'assistant' &&
        JSON.stringify(data).includes('"sleep 300"') &&
        'parent_tool_use_id' in data &&
        data.parent_tool_use_id !== null,
    );
    const [task] = await tasks(id);
    assert.deepEqual(
      [task.status, task.background, task.subagent_type],
      ['running', false, 'general-purpose'],
    );
    assert.ok('parent_tool_use_id' in call.data);
    assert.equal(call.data.parent_tool_use_id, task.tool_use_id, 'what a subagent says names its call');
    await server.client.sessions.tasks.stop(id, task.task_id);
    assert.equal((await server.ended(id)).status, 'completed');
    assert.equal((await tasks(id))[0].status, 'stopped');
  });

  const inBackgroundAgent = (prompt: string): string =>
    `use Agent ${JSON.stringify({ description: 'work', prompt, subagent_type: 'general-purpose', run_in_background: true })}`;

  it('may be a subagent, which its turn lasts as long as: it says what it waits for, and takes messages', async () => {
    const id = await server.execute({
      prompt: inBackgroundAgent('run: until [ -e go ]; do sleep 0.05; done'),
      allowed_tools: ['Agent', 'Bash'],
      background_tasks: true,
    });
    const waits = await server.event(
      id,
      ({ kind, data }) => kind === 'session' && 'waiting_for' in data && data.waiting_for === 'tasks',
    );
    const { status, waiting_for, turns } = await server.client.sessions.get(id);
    assert.deepEqual([status, waiting_for, turns.length], ['running', 'tasks', 1]);
    const hint = await server.client.sessions.messages.send(id, {
      prompt: 'what is 2 + 2?',
      delivery: 'steer',
    });
    await server.event(
      id,
      ({ seq, kind, data }) =>
        seq > waits.seq && kind === 'sdk' && JSON.stringify(data).includes('2 + 2 = 4'),
    );
    await writeFile(join(sessionDirectories(server.config.dataDir, id).workspace, 'go'), '');
    assert.equal((await server.ended(id)).status, 'completed');
    const [turn, steered, ...more] = (await server.client.sessions.get(id)).turns;
    assert.deepEqual([steered?.turn_id, steered?.steered_into, more], [hint.turn_id, turn?.turn_id, []]);
    assert.equal((await tasks(id))[0].status, 'completed');
  });

  it('that is a subagent in the background is over with an interrupt of its turn', async () => {
    const id = await server.execute({
      prompt: inBackgroundAgent('run: sleep 300'),
      allowed_tools: ['Agent', 'Bash'],
      background_tasks: true,
    });
    await server.event(
      id,
      ({ kind, data }) => kind === 'session' && 'waiting_for' in data && data.waiting_for === 'tasks',
    );
    await server.request('POST', `/sessions/${id}/interrupt`);
    await server.execute({ prompt: 'what is 3 + 3?', resume_session_id: id });
    const status = await server.ended(id);
    assert.equal(status.status, 'completed');
    assert.match(JSON.stringify(status.messages), /3 \+ 3 = 6/);
    assert.equal((await server.client.sessions.get(id)).turns[0]?.state, 'cancelled');
    assert.notEqual((await tasks(id))[0].status, 'running');
  });

  it('that was a subagent of an interrupted turn is over with it', async () => {
    const id = await server.execute({
      prompt: 'delegate: run: sleep 300',
      allowed_tools: ['Agent', 'Bash'],
    });
    await systemMessage(id, 'task_started');
    await server.request('POST', `/sessions/${id}/interrupt`);
    await server.ended(id);
    assert.deepEqual(
      (await tasks(id)).map(({ status }) => status),
      ['stopped'],
    );
  });

  it('is nothing that a session has unless it wants to', async () => {
    const id = await server.execute({ prompt: inBackground('echo now'), allowed_tools: ['Bash'] });
    await server.ended(id);
    assert.deepEqual(await tasks(id), []);
  });
});
