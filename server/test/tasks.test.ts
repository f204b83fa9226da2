import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { startTestServer, type TestServer } from './harness.ts';

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

  it('is looked for among the newest messages of its session, however many there are', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const { db } = server.context.database;
    const add = async (subtype: string, count: number): Promise<void> => {
      const fields = '"description":"sleep","is_backgrounded":true';
      await sql`
        insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
        select id, last_seq + n, tenant_id, null, 'sdk',
          ('{"type":"system","subtype":"' || ${subtype}::text || '","task_id":"' || n || '",' || ${fields}::text || '}')::json,
          now()
        from sessions, generate_series(1, ${count}::int) as n where id = ${id}
      `.execute(db);
      await sql`update sessions set last_seq = last_seq + ${count} where id = ${id}`.execute(db);
    };
    await add('task_started', 300);
    const listed = await tasks(id);
    assert.deepEqual([listed.length, listed[0].task_id, listed.at(-1).task_id], [200, '101', '300']);
    await add('status', 9_900);
    assert.equal((await tasks(id)).length, 100);
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
