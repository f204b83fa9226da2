import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type Options,
  query,
  type SDKUserMessage,
  type SessionStoreEntry,
} from '@anthropic-ai/claude-agent-sdk';
import { agentEnvironment } from '../../src/engine/agent/environment.ts';
import { agentOptions } from '../../src/engine/agent/options.ts';
import { modeOf, wordOf } from '../../src/engine/stay/word.ts';
import { PushQueue } from '../../src/ground/util/push-queue.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { temporaryDirectory } from '../support/harness.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';
import { until } from '../support/server-process.ts';

/*
 * What the worker relies on in the agent program and what nobody promises: where a turn ends, what becomes of a message, how
 * a conversation goes on. The program itself, without a server. To be looked at whenever the Agent SDK changes.
 */

type Conversation = { id: string; entries: SessionStoreEntry[] };
type Settings = { backgroundTasks?: boolean; rerunsTurn?: boolean; conversation?: Conversation };

describe('the agent program', () => {
  const stack = new AsyncDisposableStack();
  let directory: string;
  let model: Awaited<ReturnType<typeof startRecordingUpstream>>;
  before(async () => {
    directory = stack.use(await temporaryDirectory()).path;
    model = stack.use(await startRecordingUpstream({ tokensPerSecond: 200 }));
  });
  after(async () => await stack.disposeAsync());

  /** The program on a conversation of its own, or on one that another process began. */
  async function start(settings: Settings = {}) {
    const conversation = settings.conversation ?? { id: randomUUID(), entries: [] };
    // In a home of its own: what it knows is in the store alone.
    const places = sessionDirectories(directory, `${conversation.id}-${randomUUID()}`);
    const workspace = sessionDirectories(directory, conversation.id).workspace;
    for (const path of [places.home, places.temporary, workspace]) await mkdir(path, { recursive: true });
    const environment = agentEnvironment({
      view: {
        home: places.home,
        temporary: places.temporary,
        gatewaySocket: null,
        proxyExceptions: null,
        extraCaCerts: null,
      },
      sessionId: conversation.id,
      gateway: { url: model.url, token: 'none-is-needed' },
      path: process.env.PATH ?? '',
      requested: {},
      cloud: {},
      proxy: {},
      modelWaitMs: 600_000,
      backgroundTasks: settings.backgroundTasks ?? false,
      rerunsTurn: settings.rerunsTurn ?? false,
    });
    const { spawnClaudeCodeProcess: _, ...options }: Options = agentOptions({
      requested: { allowed_tools: ['Bash', 'Agent'], background_tasks: settings.backgroundTasks ?? false },
      defaultModel: null,
      nameModel: (model: string) => model,
      cwd: workspace,
      environment,
      sessionStore: {
        append: async ({ subpath = '' }, entries) => {
          if (subpath === '') conversation.entries.push(...entries);
        },
        load: async ({ subpath = '' }) =>
          subpath === '' && conversation.entries.length > 0 ? conversation.entries : null,
        listSubkeys: async () => [],
      },
      conversation: { id: conversation.id, exists: settings.conversation !== undefined },
      asks: null,
      answerClientTool: null,
      spawn: () => assert.fail('the SDK spawns it itself'),
    });
    const abort = new AbortController();
    const input = new PushQueue<SDKUserMessage>();
    const agent = query({ prompt: input, options: { ...options, abortController: abort } });
    const heard: string[] = [];
    const modes: string[] = [];
    const names = new Map<string, string>();
    const nameOf = (id: string): string => names.get(id) ?? id;
    const listening = (async () => {
      for await (const message of agent) {
        const word = wordOf(message);
        const mode = modeOf(message);
        if (mode !== null) modes.push(mode);
        const { state, command_uuid } = message as { state?: string; command_uuid?: string };
        if (state === 'queued' && command_uuid !== undefined) heard.push(`queues ${nameOf(command_uuid)}`);
        if (word.is === 'result') {
          const answered = (word.result.user_message_uuids ?? []).map(nameOf).join('+');
          heard.push(`result ${answered}`.trim());
        } else if (word.is === 'takes' || word.is === 'returns') heard.push(`${word.is} ${nameOf(word.id)}`);
        else if (word.is === 'tasks') heard.push(`tasks ${word.agents.length}/${word.others}`);
        else if (word.is === 'begins' || word.is === 'rests') heard.push(word.is);
      }
    })().catch(() => {});
    const hears = async (what: string, times = 1): Promise<void> =>
      await until(`it says ${what}: ${heard.join(', ')}`, async () => {
        return heard.filter((word) => word === what).length >= times;
      });
    return {
      heard,
      hears,
      modes,
      conversation,
      workspace,
      agent,
      say: (name: string, text: string, id = randomUUID()) => {
        names.set(id, name);
        input.push({
          type: 'user',
          parent_tool_use_id: null,
          uuid: id,
          message: { role: 'user', content: text },
        });
        return id;
      },
      [Symbol.asyncDispose]: async () => {
        input.end();
        abort.abort();
        await listening;
      },
    };
  }
  /** Without what is beside the matter. */
  const gist = (heard: readonly string[]): string[] => heard.filter((word) => !/^(tasks|queues)/.test(word));

  it('rests right after its result, and not between a result and a message that waited', async () => {
    await using program = await start();
    program.say('one', 'count from 1 to 60');
    await program.hears('begins');
    program.say('two', 'what is 2 + 2?');
    await program.hears('rests');
    assert.deepEqual(gist(program.heard), [
      ...['takes one', 'begins', 'result one'],
      ...['takes two', 'begins', 'result two', 'rests'],
    ]);
  });

  it('takes a message into what it does while a tool runs, says so before it asks, and answers both in one', async () => {
    await using program = await start();
    program.say('one', 'run: until [ -e go ]; do sleep 0.02; done');
    await until('the call is noted', async () =>
      JSON.stringify(program.conversation.entries).includes('until ['),
    );
    const id = program.say('two', 'what is 2 + 2?');
    await writeFile(join(program.workspace, 'go'), '');
    await program.hears('rests');
    assert.deepEqual(gist(program.heard), ['takes one', 'begins', 'takes two', 'result one+two', 'rests']);
    const sources = program.conversation.entries.map(
      ({ attachment }) => (attachment as { source_uuid?: string } | undefined)?.source_uuid,
    );
    assert.ok(sources.includes(id), 'its transcript names the message by its id');
  });

  it('gives back, when it is interrupted, what it has not begun, before it rests; and takes no id twice', async () => {
    await using program = await start();
    program.say('one', '[demo:hang]');
    await program.hears('begins');
    const id = program.say('two', 'what is 2 + 2?');
    await program.hears('queues two');
    const interrupt = program.agent.interrupt as (options: { cancelQueued: boolean }) => Promise<unknown>;
    await interrupt.call(program.agent, { cancelQueued: true });
    await program.hears('rests');
    const { heard } = program;
    assert.ok(
      heard.indexOf('returns two') !== -1 && heard.indexOf('returns two') < heard.indexOf('rests'),
      heard.join(', '),
    );
    program.say('two', 'what is 2 + 2?', id as ReturnType<typeof randomUUID>);
    program.say('three', 'what is 3 + 3?');
    await program.hears('result three');
    assert.ok(!heard.includes('takes two'));
  });

  it('does not rest while a subagent works in the background, and does while a command does', async () => {
    await using program = await start({ backgroundTasks: true });
    const wait = (file: string) => `until [ -e ${file} ]; do sleep 0.02; done`;
    const use = (tool: string, input: object) =>
      `use ${tool} ${JSON.stringify({ ...input, run_in_background: true })}`;
    program.say('one', use('Bash', { command: wait('first') }));
    await program.hears('rests');
    assert.ok(program.heard.includes('tasks 0/1'));
    await writeFile(join(program.workspace, 'first'), '');
    // It begins by itself, with a result that answers nobody.
    await program.hears('rests', 2);
    assert.deepEqual(gist(program.heard).slice(-3), ['begins', 'result', 'rests']);
    const agent = { description: 'wait', prompt: `run: ${wait('second')}`, subagent_type: 'general-purpose' };
    program.say('two', use('Agent', agent));
    await program.hears('result two');
    await program.hears('tasks 1/0');
    program.say('three', 'what is 3 + 3?');
    await program.hears('result three');
    assert.equal(program.heard.filter((word) => word === 'rests').length, 2);
    await writeFile(join(program.workspace, 'second'), '');
    await program.hears('rests', 3);
  });

  it('makes a request again that was cut off, runs no tool again, and leaves a note behind which it would be silent', async () => {
    const first = await start();
    const prompt = '[demo:slow 2] run: echo once >> marker';
    first.say('one', prompt);
    const { conversation, workspace } = first;
    const knows = (text: string): boolean => JSON.stringify(conversation.entries).includes(text);
    await until('the result of the tool is noted', async () => knows('"tool_result"'));
    await first[Symbol.asyncDispose]();
    {
      await using second = await start({ conversation, rerunsTurn: true });
      await second.hears('begins');
      await until('its note is there', async () => knows('Continue from where you left off.'));
    }
    const isNote = (entry: SessionStoreEntry): boolean =>
      entry.type === 'user' && JSON.stringify(entry.message).includes('Continue from where you left off.');
    conversation.entries.splice(conversation.entries.findIndex(isNote));
    await using third = await start({ conversation, rerunsTurn: true });
    await third.hears('rests');
    assert.equal(await readFile(join(workspace, 'marker'), 'utf8'), 'once\n');
  });

  it('says of a call that was cut off that its outcome is unknown, when it is told to go on, and does not make it again', async () => {
    const first = await start();
    first.say('one', 'run: echo once >> marker; sleep 300');
    const { conversation, workspace } = first;
    const marker = async (): Promise<string> =>
      await readFile(join(workspace, 'marker'), 'utf8').catch(() => '');
    await until('the tool runs', async () => (await marker()) !== '');
    await until('the call is noted', async () => JSON.stringify(conversation.entries).includes('"tool_use"'));
    await first[Symbol.asyncDispose]();
    await using second = await start({ conversation });
    const before = model.requests.length;
    second.say('note', '[demo:say I go on]');
    await second.hears('rests');
    assert.ok(second.heard.includes('result note'));
    assert.match(model.requests[before]?.text ?? '', /"tool_result"[^}]*unknown/);
    assert.equal(await marker(), 'once\n');
  });

  it('names the subagent in what that asks the model, and nobody in what it asks itself', async () => {
    await using program = await start();
    const before = model.requests.length;
    program.say('one', 'delegate: hello');
    await program.hears('rests');
    const asked = model.requests.slice(before).map(({ headers }) => typeof headers['x-claude-code-agent-id']);
    assert.deepEqual(asked, ['undefined', 'string', 'undefined']);
  });

  it('says which permission mode it is in, at its start and when that is changed', async () => {
    await using program = await start();
    program.say('one', 'hello');
    await program.hears('rests');
    assert.deepEqual(await program.agent.setPermissionMode('acceptEdits'), { mode: 'acceptEdits' });
    program.say('two', 'hello');
    await program.hears('rests', 2);
    assert.deepEqual([program.modes[0], program.modes.at(-1)], ['default', 'acceptEdits']);
  });
});
