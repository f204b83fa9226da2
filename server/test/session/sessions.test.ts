import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runRetention } from '../../src/access/retention/retention.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { answerText, findProcesses, startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

describe('a session on a worker', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const agentPids = async (id: string): Promise<number[]> =>
    await findProcesses(`${server.context.dataDirectory.mark}${id}/`);

  // The program itself, not the shell beside it or its tools.
  const agentPid = async (id: string): Promise<number> => Math.min(...(await agentPids(id)));
  const isRunning = async (command: string, id: string): Promise<boolean> => {
    const names = (await agentPids(id)).map(
      async (pid) => await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => ''),
    );
    return (await Promise.all(names)).includes(`${command}\n`);
  };

  it('keeps its agent process for the next turn (a warm follow-up starts none)', async () => {
    const id = await server.execute({ prompt: 'My name is Grace.' });
    await server.ended(id);
    const before = await agentPids(id);
    await server.execute({ prompt: 'What is my name?', resume_session_id: id });
    assert.match(answerText(await server.ended(id)), /Grace/);
    assert.deepEqual(await agentPids(id), before);
  });

  it('changes the model of an idle agent without a new process', async () => {
    const id = await server.execute({ prompt: 'My name is Grace.' });
    await server.ended(id);
    const before = await agentPids(id);
    await server.execute({ prompt: 'What is my name?', resume_session_id: id, model: 'haiku' });
    const status = await server.ended(id);
    assert.match(answerText(status), /Grace/);
    assert.match(status.messages.findLast((m) => m.type === 'AssistantMessage')?.content.model, /haiku/);
    assert.deepEqual(await agentPids(id), before);
  });

  it('starts a new process with the same memory when a turn changes other options', async () => {
    const id = await server.execute({ prompt: 'My name is Grace.' });
    await server.ended(id);
    const before = await agentPids(id);
    await server.execute({ prompt: 'What is my name?', resume_session_id: id, max_turns: 7 });
    assert.match(answerText(await server.ended(id)), /Grace/);
    assert.ok(!(await agentPids(id)).some((pid) => before.includes(pid)));
  });

  it('gives the agent neither the model key nor anything else of the server environment', async () => {
    process.env.SERVER_SECRET = 'do-not-inherit';
    const id = await server.execute({ prompt: 'run: env', allowed_tools: ['Bash'] });
    const environment = JSON.stringify((await server.ended(id)).messages);
    delete process.env.SERVER_SECRET;
    assert.match(environment, /GREENROOM_SESSION_ID/);
    assert.doesNotMatch(environment, /do-not-inherit|DATABASE_URL|sk-ant|TEST_POSTGRES/);
  });

  it('works in a workspace of its own under the data directory', async () => {
    const id = await server.execute({
      prompt: 'create a file note.txt with hello',
      permission_mode: 'acceptEdits',
    });
    assert.equal((await server.ended(id)).status, 'completed');
    const { workspace } = sessionDirectories(server.context.dataDirectory.path, id);
    assert.match(await readFile(join(workspace, 'note.txt'), 'utf8'), /hello/);
  });

  it('charges each turn for itself, also when the session is resumed in a new process', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    await server.execute({ prompt: 'hello again', resume_session_id: id });
    await server.ended(id);
    await server.execute({ prompt: 'and again', resume_session_id: id, max_turns: 7 });
    const status = await server.ended(id);
    const session = await server.client.sessions.get(id);
    const results = status.messages.filter((message) => message.type === 'ResultMessage');
    const kinds = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];
    const tokens = (usage: Record<string, number | undefined>): (number | undefined)[] =>
      kinds.map((kind) => usage[kind]);
    assert.deepEqual(
      session.turns.map((turn) => tokens(turn.usage)),
      // `usage` of a result is of its turn alone; its totals go on counting, across processes too.
      results.map((message) => tokens(message.content.usage)),
    );
    const costs = session.turns.map((turn) => turn.cost_usd);
    assert.ok(costs.every((cost) => cost > 0));
    const sum = costs.reduce((total, cost) => total + cost, 0);
    assert.ok(Math.abs(session.cost_usd - sum) < 1e-9);
    assert.equal(status.total_cost_usd, session.cost_usd);
  });

  it('cancels a turn: the session is cancelled at once, the agent stops, and the session can be resumed', async () => {
    const id = await server.execute({ prompt: 'I am Linus. Remember this.' });
    await server.ended(id);
    await server.execute({ prompt: '[demo:slow 20] count from 1 to 1000', resume_session_id: id });
    await server.event(
      id,
      (event) => event.kind === 'session' && event.seq > 10 && event.data.status === 'running',
    );
    const cancelled = await server.request('POST', `/cancel/${id}`);
    assert.equal(cancelled.status, 200);
    assert.deepEqual(cancelled.body, {
      session_id: id,
      status: 'cancelled',
      message: `Session ${id} cancelled successfully`,
    });
    const status = await server.ended(id);
    assert.equal(status.status, 'cancelled');
    assert.equal(status.error, 'Session was cancelled');
    assert.equal(status.result, null);
    await server.execute({ prompt: 'What is my name?', resume_session_id: id });
    assert.match(answerText(await server.ended(id)), /Linus/);
  });

  it('kills an agent that ignores the interrupt of a cancelled turn within 2 s, tools and all', async () => {
    const id = await server.execute({ prompt: 'run: sleep 300', allowed_tools: ['Bash'] });
    await server.event(id, (event) => event.kind === 'sdk' && event.data.type === 'assistant');
    process.kill(await agentPid(id), 'SIGSTOP');
    await server.request('POST', `/cancel/${id}`);
    const cancelledAt = performance.now();
    while ((await agentPids(id)).length > 0) {
      assert.ok(performance.now() - cancelledAt < 2_000, 'the agent is still there after 2 s');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  it('ends the turn as agent_crashed when the agent process dies and the session says so, ends its tools, and goes on with the next turn', async () => {
    const prompt = 'run: sleep 300';
    const id = await server.execute({ prompt, allowed_tools: ['Bash'], on_interruption: 'end' });
    while (!(await isRunning('sleep', id))) await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(await agentPid(id), 'SIGKILL');
    const status = await server.ended(id);
    assert.equal(status.status, 'error');
    assert.deepEqual(await agentPids(id), []);
    const { turns } = await server.client.sessions.get(id);
    assert.equal(turns[0]?.error?.code, 'agent_crashed');
    await server.execute({ prompt: 'hello', resume_session_id: id });
    assert.equal((await server.ended(id)).status, 'completed');
  });

  it('removes home and workspace with the session', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const { root } = sessionDirectories(server.context.dataDirectory.path, id);
    assert.ok(existsSync(root));
    const deleted = await server.request('DELETE', `/sessions/${id}`);
    assert.deepEqual(deleted.body, {
      session_id: id,
      status: 'completed',
      message: `Session ${id} deleted successfully`,
    });
    assert.equal((await server.request('GET', `/status/${id}`)).status, 404);
    await until('the directories are gone', async () => !existsSync(root));
  });

  it('deletes what is past its retention time, and nothing that is active', async () => {
    const ended = await server.execute({ prompt: 'hello' });
    await server.ended(ended);
    const running = await server.execute({ prompt: '[demo:hang]' });
    await server.event(running, (event) => event.kind === 'sdk');
    const keepFor = async (retention: number): Promise<void> =>
      await runRetention(server.context.sessions, { ...server.config, retention }, server.context.logger);
    await keepFor(3_600_000);
    assert.equal((await server.request('GET', `/status/${ended}`)).status, 200);
    await keepFor(1);
    assert.equal((await server.request('GET', `/status/${ended}`)).status, 404);
    assert.equal((await server.request('GET', `/status/${running}`)).body.status, 'running');
  });
});
