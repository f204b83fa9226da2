import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pLimit from 'p-limit';
import { plainText } from '../../src/engine/gateway/demo-model/messages-request.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';

/*
 * The demo model refuses what the Messages API refuses: a message without content, a tool call without its result, a
 * thought that was changed. So a fork whose turn is completed has sent what the API takes.
 */
describe('what a fork at any event of a session sends the model', () => {
  const stack = new AsyncDisposableStack();
  let model: Awaited<ReturnType<typeof startRecordingUpstream>>;
  let server: TestServer;
  before(async () => {
    model = stack.use(await startRecordingUpstream());
    server = stack.use(
      await startTestServer({ config: { anthropicBaseUrl: model.url, anthropicApiKey: 'recorded' } }),
    );
  });
  after(async () => await stack.disposeAsync());

  const send = async (id: string, prompt: string, delivery: 'queue' | 'steer' = 'queue') =>
    await server.client.sessions.messages.send(id, { prompt, delivery });
  const lastTurn = async (id: string) =>
    (await server.client.sessions.get(id)).turns.at(-1) ?? assert.fail('it has no turn');
  /** Gives the session a turn that must be completed. */
  const say = async (id: string, prompt: string): Promise<void> => {
    await send(id, prompt);
    await server.ended(id);
    const { state, error } = await lastTurn(id);
    assert.equal(state, 'completed', error?.message);
  };
  const fork = async (id: string, at: number): Promise<string> =>
    (await server.client.sessions.fork(id, { at })).session_id;
  /** What the agent will know of the past. Entries of the same session are the same under the same id. */
  const memory = async (id: string): Promise<string> => {
    const rows = await server.context.database.db
      .selectFrom('transcripts')
      .select(['subpath', 'type', 'entry_uuid'])
      .where('session_id', '=', id)
      .orderBy('id')
      .execute();
    return JSON.stringify(rows.map(({ subpath, type, entry_uuid }) => [subpath, entry_uuid ?? type]));
  };
  /** Forks at each event, gives each fork that knows something else a turn, and returns those. */
  const forkEverywhere = async (id: string): Promise<string[]> => {
    const { last_seq } = await server.client.sessions.get(id);
    const forks = new Map<string, { at: number; copy: string }>();
    for (let at = 1; at <= last_seq; at++) {
      const copy = await fork(id, at);
      const known = await memory(copy);
      if (!forks.has(known)) forks.set(known, { at, copy });
    }
    const limit = pLimit(3);
    const outcomes = [...forks.values()].map(
      async ({ at, copy }) =>
        await limit(async () => {
          await send(copy, 'what is 2 + 2?');
          await server.ended(copy);
          const { state, error, result } = await lastTurn(copy);
          return { at, state, error, said: result?.text };
        }),
    );
    for (const { at, ...outcome } of await Promise.all(outcomes)) {
      assert.deepEqual(outcome, { state: 'completed', error: null, said: '2 + 2 = 4' }, `the fork at ${at}`);
    }
    return [...forks.values()].map(({ copy }) => copy);
  };

  it('is taken: of thoughts, of calls one after the other and side by side, and of forks of forks', async () => {
    const id = await server.execute({
      prompt: '[demo:think] run: echo one and also run: echo two then run: echo three',
      allowed_tools: ['Bash'],
    });
    await server.ended(id);
    const forks = await forkEverywhere(id);
    await forkEverywhere(forks[Math.floor(forks.length / 2)] ?? assert.fail());
  });

  it('is taken: of a conversation that was compacted and went on', async () => {
    const id = await server.execute({ prompt: 'My name is Grace.', slash_commands: true });
    await server.ended(id);
    await say(id, '/compact');
    await say(id, '[demo:think] My name is Ada.');
    await forkEverywhere(id);
  });

  it('is taken: of a turn that a message steers, while it runs and afterwards', async () => {
    const id = await server.execute({
      prompt: '[demo:think] run: until [ -e go ]; do sleep 0.02; done',
      allowed_tools: ['Bash'],
    });
    await server.event(
      id,
      ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('"type":"tool_use"'),
    );
    await send(id, 'run: echo steered', 'steer');
    await forkEverywhere(id);
    await writeFile(join(sessionDirectories(server.config.dataDir, id).workspace, 'go'), '');
    await server.event(id, ({ kind, data }) => kind === 'turn' && data.phase === 'ended');
    await forkEverywhere(id);
  });

  it('is taken: of calls that wait for a person, and were let through after their process had ended', async () => {
    const id = await server.execute({
      prompt: '[demo:think] run: echo one > a then run: echo two > b',
      approvals: 'ask',
      park_after_s: 0,
    });
    for (const count of [1, 2]) {
      let seen = 0;
      const asked = await server.event(
        id,
        ({ kind, data }) => kind === 'approval' && data.phase === 'requested' && ++seen === count,
      );
      assert(asked.kind === 'approval');
      await server.context.worker.released(id);
      if (count === 2) await forkEverywhere(id);
      await server.client.approvals.allow(asked.data.approval.approval_id);
    }
    await server.ended(id);
    await forkEverywhere(id);
  });

  it('is taken: of subagents, of a call that failed, and of a turn that was interrupted', async () => {
    const id = await server.execute({
      prompt: 'delegate: run: echo deep',
      allowed_tools: ['Bash', 'Agent'],
    });
    await server.ended(id);
    await say(id, 'run: false');
    await send(id, 'run: sleep 100');
    await server.event(
      id,
      ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('"sleep 100"'),
    );
    await server.request('POST', `/sessions/${id}/interrupt`);
    await server.ended(id);
    await forkEverywhere(id);
  });

  it('begins as the session began: a prompt keeps what the agent program told the model beside it', async () => {
    const beginning = (id: string): string[] => {
      const request = model.requests.find(({ text }) => text.includes(`/sessions/${id}/workspace`));
      const { messages } = request?.body ?? assert.fail('the model was not asked');
      return messages
        .slice(0, 2)
        .map(({ role, content }: { role: string; content: unknown }) => `${role}: ${plainText(content)}`)
        .map((text: string) => text.replaceAll(id, 'ID'));
    };
    const id = await server.execute({ prompt: 'My name is Grace.' });
    await server.ended(id);
    const started = await server.event(id, ({ kind, data }) => kind === 'turn' && data.phase === 'started');
    assert.match(beginning(id)[1] ?? '', /^system: # Environment/);
    for (const at of [started.seq, started.seq + 1, started.seq + 2]) {
      const copy = await fork(id, at);
      await say(copy, 'hello');
      assert.deepEqual(beginning(copy), beginning(id), `the fork at ${at}`);
    }
  });
});
