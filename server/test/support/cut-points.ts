import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sessionDirectories } from '../../src/session/directories.ts';
import type { Hold } from './gate-model.ts';
import { findProcesses } from './harness.ts';
import { type ServerProcess, until } from './server-process.ts';

/*
 * Where a turn can be when what carries it ends, and what becomes of it then. docs/durability.md has them as its table, and
 * durability.test.ts ends servers and agent programs at each.
 */

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Json = any;

/** What a point is looked at with. */
export class Subject {
  readonly server: ServerProcess;
  readonly id: string;
  readonly holds: () => boolean;

  constructor(server: ServerProcess, id: string, holds: () => boolean) {
    this.server = server;
    this.id = id;
    this.holds = holds;
  }

  /** The same session, on the server that comes after. */
  at(server: ServerProcess): Subject {
    return new Subject(server, this.id, this.holds);
  }

  async session(): Promise<Json> {
    return (await this.server.request('GET', `/sessions/${this.id}`)).body;
  }

  async events(): Promise<Json[]> {
    return (await this.server.request('GET', `/sessions/${this.id}/events?limit=1000`)).body.events;
  }

  /** What its tools wrote. */
  async marks(): Promise<string> {
    const { workspace } = sessionDirectories(this.server.dataDir, this.id);
    return await readFile(join(workspace, 'marks'), 'utf8').catch(() => '');
  }

  /** Its tools wait for that. */
  async go(): Promise<void> {
    const { workspace } = sessionDirectories(this.server.dataDir, this.id);
    await writeFile(join(workspace, 'go'), '');
  }

  async has(phase: string): Promise<boolean> {
    return (await this.events()).some(({ data }) => data.phase === phase);
  }

  async send(message: object): Promise<void> {
    await this.server.request('POST', `/sessions/${this.id}/messages`, message);
  }

  async allow(): Promise<void> {
    const found = await this.server.request('GET', `/approvals?status=pending&session_id=${this.id}`);
    for (const { approval_id } of found.body.approvals)
      await this.server.request('POST', `/approvals/${approval_id}`, { decision: 'allow' });
  }

  async hasAgent(): Promise<boolean> {
    return (await findProcesses(`/${this.id}/`)).length > 0;
  }

  async ended(patienceMs?: number): Promise<Json> {
    let found: Json;
    await until(
      `session ${this.id} has ended`,
      async () => {
        found = await this.session();
        return !['pending', 'running'].includes(found.status);
      },
      patienceMs,
    );
    return found;
  }
}

export type CutPoint = {
  /** As the table has it. */
  where: string;
  /** What becomes of the turn, as the table has it. */
  outcome: string;
  /** `KEY` in its prompt is what its requests to the model are known by. */
  request: { prompt: string } & Record<string, unknown>;
  hold?: Hold;
  /** Whether the turn is there. */
  reached: (subject: Subject) => Promise<boolean>;
  /** What is done once it was there and what carried it is gone. */
  after?: (subject: Subject) => Promise<unknown>;
  /** How the turns of the session end; `completed`, all of them, where nothing is said. */
  ends?: string[];
  /** How it went on; `null`: as if nothing had happened; `any`: one of these, as it happens. */
  by: 'request' | 'note' | 'any' | null;
  /** What the tools wrote: each line once. */
  marks?: string;
  text?: RegExp;
  /** No agent program is there to be killed. */
  hasProgram?: false;
  /** Begun when all others are where they are to be: what it is at does not last. */
  isLate?: true;
};

const bash = { allowed_tools: ['Bash'] };
const background = { background_tasks: true, allowed_tools: ['Bash', 'Agent'] };
const use = (tool: string, input: object): string =>
  `use ${tool} ${JSON.stringify({ ...input, run_in_background: true })}`;
const isMarked = async (subject: Subject): Promise<boolean> => (await subject.marks()) !== '';
const isHeld = async (subject: Subject): Promise<boolean> => subject.holds();
const asks = async (subject: Subject): Promise<boolean> =>
  (await subject.session()).waiting_for === 'approval';

const WORK = 'echo once >> marks; sleep 300';
/** The same, so that the demo model does not take it out of a note. */
const CALL = `use Bash ${JSON.stringify({ command: WORK })}`;
const UNTIL_GO = 'until [ -e go ]; do sleep 0.05; done';
const GOES_ON = 'goes on at the request, which is made again';
const IS_TOLD = 'goes on; the agent is told that nobody knows what came of the call, and it is not run again';

export const cutPoints: CutPoint[] = [
  {
    where: 'the request to the model is under way, and nothing of the answer has come',
    outcome: GOES_ON,
    request: { prompt: 'what is 2 + 2?' },
    hold: { request: 1, at: 'the question' },
    reached: isHeld,
    by: 'request',
    text: /2 \+ 2 = 4/,
  },
  {
    where: 'half of the answer has been streamed',
    outcome: `${GOES_ON}; half an answer is not kept`,
    request: { prompt: 'count from 1 to 30' },
    hold: { request: 1, at: 'half the text' },
    reached: isHeld,
    by: 'request',
    text: /30/,
  },
  {
    where: 'a call has been streamed, its message has not ended, and the tool is at work already',
    outcome: IS_TOLD,
    request: { prompt: `run: ${WORK}`, ...bash },
    hold: { request: 1, at: 'the call' },
    reached: isMarked,
    by: 'note',
    marks: 'once\n',
  },
  {
    where: 'a call has been streamed, its message has not ended, and the tool has ended already',
    outcome: `${GOES_ON}, with the call and its result in it`,
    request: { prompt: 'run: echo once >> marks', ...bash },
    hold: { request: 1, at: 'the call' },
    reached: async (subject) => JSON.stringify(await subject.events()).includes('"tool_result"'),
    by: 'request',
    marks: 'once\n',
  },
  {
    where: 'a tool is at work',
    outcome: IS_TOLD,
    request: { prompt: `run: ${WORK}`, ...bash },
    reached: isMarked,
    by: 'note',
    marks: 'once\n',
  },
  {
    where: 'a tool has ended, and the next request to the model is under way',
    outcome: GOES_ON,
    request: { prompt: 'run: echo once >> marks', ...bash },
    hold: { request: 2, at: 'the question' },
    reached: isHeld,
    by: 'request',
    marks: 'once\n',
    text: /I ran/,
  },
  {
    where: 'a tool has ended, and half of the answer after it has been streamed',
    outcome: GOES_ON,
    request: { prompt: 'run: echo once >> marks', ...bash },
    hold: { request: 2, at: 'half the text' },
    reached: isHeld,
    by: 'request',
    marks: 'once\n',
  },
  {
    where: 'the second of several tools is at work',
    outcome: `${IS_TOLD}; nor is the first`,
    request: { prompt: `run: echo first >> marks then run: ${WORK}`, ...bash },
    reached: async (subject) => (await subject.marks()).includes('once'),
    by: 'note',
    marks: 'first\nonce\n',
  },
  {
    where: 'it waits for an approval, and its agent with it',
    outcome: 'waits on; the answer brings it back, and the call runs once',
    request: { prompt: 'run: echo once >> marks', approvals: 'ask' },
    reached: asks,
    after: async (subject) => await subject.allow(),
    by: null,
    marks: 'once\n',
  },
  {
    where: 'it waits for an approval, and its agent process was given up',
    outcome: 'waits on; the answer brings it back, and the call runs once',
    request: { prompt: 'run: echo once >> marks', approvals: 'ask', park_after_s: 0 },
    reached: async (subject) => (await asks(subject)) && !(await subject.hasAgent()),
    after: async (subject) => await subject.allow(),
    by: null,
    marks: 'once\n',
    hasProgram: false,
  },
  {
    where: 'a call that was approved is at work',
    outcome: IS_TOLD,
    request: { prompt: `run: ${WORK}`, approvals: 'ask' },
    reached: async (subject) => {
      await subject.allow();
      return await isMarked(subject);
    },
    by: 'note',
    marks: 'once\n',
  },
  {
    where: 'a subagent is at work',
    outcome: `${IS_TOLD}: the call of the subagent`,
    request: { prompt: `delegate: run: ${WORK}`, allowed_tools: ['Bash', 'Agent'] },
    reached: isMarked,
    by: 'note',
    marks: 'once\n',
  },
  {
    where: 'a subagent asks the model',
    outcome: `${IS_TOLD}: the call of the subagent`,
    request: { prompt: 'delegate: say KEY', allowed_tools: ['Agent'] },
    hold: { request: 2, at: 'the question' },
    reached: isHeld,
    by: 'note',
  },
  {
    where: 'a subagent waits for an approval',
    outcome: `${IS_TOLD}: the call of the subagent. The question is withdrawn`,
    request: { prompt: `delegate: ${CALL}`, approvals: 'ask', allowed_tools: ['Agent'] },
    reached: asks,
    by: 'note',
  },
  {
    where: 'a subagent in the background waits for an approval, and all else is done',
    outcome: `${GOES_ON}; the agent learns that the subagent was stopped. The question is withdrawn`,
    request: {
      prompt: use('Agent', {
        description: 'work',
        prompt: CALL,
        subagent_type: 'general-purpose',
      }),
      approvals: 'ask',
      background_tasks: true,
      allowed_tools: ['Agent'],
    },
    reached: asks,
    by: 'request',
  },
  {
    where: 'a command runs in the background, and the turn goes on beside it',
    outcome: `${GOES_ON}; the command has ended with the agent`,
    request: { prompt: use('Bash', { command: WORK }), ...background },
    hold: { request: 2, at: 'the question' },
    reached: async (subject) => subject.holds() && (await isMarked(subject)),
    by: 'request',
    marks: 'once\n',
  },
  {
    where: 'all but a subagent in the background is done',
    outcome: 'goes on; the agent learns that the subagent was stopped',
    request: {
      prompt: use('Agent', {
        description: 'work',
        prompt: `run: ${WORK}`,
        subagent_type: 'general-purpose',
      }),
      ...background,
    },
    reached: async (subject) =>
      (await isMarked(subject)) && (await subject.session()).waiting_for === 'tasks',
    by: 'request',
    marks: 'once\n',
  },
  {
    where: 'a message has become part of it, and its agent has not read it',
    outcome: `${IS_TOLD}; the message is run`,
    request: { prompt: `run: ${WORK}`, ...bash },
    reached: async (subject) => {
      if (!(await isMarked(subject))) return false;
      if (!(await subject.has('steered')))
        await subject.send({ prompt: 'what is 3 + 3?', delivery: 'steer' });
      return await subject.has('steered');
    },
    by: 'note',
    marks: 'once\n',
  },
  {
    where: 'a message has become part of it, and its agent has read it',
    outcome: `${GOES_ON}, with the message in it`,
    request: { prompt: `run: echo once >> marks; ${UNTIL_GO}`, ...bash },
    hold: { request: 2, at: 'the question' },
    reached: async (subject) => {
      if (!(await isMarked(subject))) return false;
      if (!(await subject.has('steered')))
        await subject.send({ prompt: 'what is 3 + 3?', delivery: 'steer' });
      else await subject.go();
      return await subject.has('read');
    },
    by: 'request',
    marks: 'once\n',
  },
  {
    where: 'messages wait behind it',
    outcome: `${IS_TOLD}; the messages are run, each once`,
    request: { prompt: `run: ${WORK}`, ...bash },
    reached: async (subject) => {
      if (!(await isMarked(subject))) return false;
      await subject.send({ prompt: 'what is 2 + 2?' });
      return true;
    },
    ends: ['completed', 'completed'],
    by: 'note',
    marks: 'once\n',
  },
  {
    where: 'it is to answer by a schema',
    outcome: `${GOES_ON}, and answers by the schema`,
    request: {
      prompt: 'use StructuredOutput {"n": 4}',
      output_format: {
        type: 'json_schema',
        schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
      },
    },
    hold: { request: 1, at: 'the question' },
    reached: isHeld,
    by: 'request',
  },
  {
    where: 'a tool is at work, and the session says `on_interruption: "end"`',
    outcome: 'ends as `interrupted` (as `agent_crashed` where only the agent died)',
    request: { prompt: `run: ${WORK}`, on_interruption: 'end', ...bash },
    reached: isMarked,
    ends: ['interrupted'],
    by: null,
    marks: 'once\n',
  },
  {
    where: 'it was cancelled a moment before',
    outcome: 'stays cancelled',
    request: { prompt: `run: ${WORK}`, ...bash },
    reached: async (subject) => {
      if (!(await isMarked(subject))) return false;
      await subject.server.request('POST', `/cancel/${subject.id}`);
      return true;
    },
    ends: ['cancelled'],
    by: null,
    marks: 'once\n',
    hasProgram: false,
  },
  {
    where: 'its agent began by itself, since a command in the background has ended, and has said nothing yet',
    outcome: 'is begun again: the agent is told that the command has ended',
    request: { prompt: use('Bash', { command: UNTIL_GO }), ...background },
    hold: { request: 3, at: 'the question' },
    reached: async (subject) => {
      if (['pending', 'running'].includes((await subject.session()).status)) return subject.holds();
      await subject.go();
      return subject.holds();
    },
    ends: ['completed', 'completed'],
    by: null,
  },
  {
    where: 'its conversation is being compacted',
    outcome: 'is begun again',
    request: { prompt: 'My name is Grace.', slash_commands: true },
    hold: { request: 2, at: 'the question' },
    reached: async (subject) => {
      if ((await subject.session()).status === 'completed') await subject.send({ prompt: '/compact' });
      return subject.holds();
    },
    ends: ['completed', 'completed'],
    by: null,
  },
  {
    where: 'all of its `max_turns` but one are used up',
    outcome: `${GOES_ON}, and ends with the next: it counts on`,
    request: {
      prompt: 'run: echo 1 >> marks then run: echo 2 >> marks then run: echo 3 >> marks',
      max_turns: 2,
      ...bash,
    },
    hold: { request: 2, at: 'the question' },
    reached: isHeld,
    ends: ['max_turns'],
    by: 'request',
    marks: '1\n2\n',
  },
  {
    where: 'its agent program is being started',
    outcome: 'is run',
    request: { prompt: 'what is 2 + 2?' },
    reached: async (subject) => await subject.hasAgent(),
    by: 'any',
    text: /2 \+ 2 = 4/,
    isLate: true,
  },
  {
    where: 'it was accepted a moment ago',
    outcome: 'is run',
    request: { prompt: 'what is 2 + 2?' },
    reached: async () => true,
    by: 'any',
    text: /2 \+ 2 = 4/,
    hasProgram: false,
    isLate: true,
  },
];
