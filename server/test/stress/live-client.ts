import assert from 'node:assert/strict';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SOMEBODY } from '../support/isolation-driver.ts';
import type { Random } from '../support/random.ts';
import type { LiveServers, Reply } from './live-servers.ts';

/** One prompt that was sent, with the marks that its calls leave: each is a file, with a line for every run. */
export type SentMessage = {
  /** null: its request was refused, or nobody knows. */
  turnId: string | null;
  prompt: string;
  marks: string[];
  /** What its answer contains. */
  answer: string | null;
  /** Its calls go on in the background, and end with their agent: they may be cut off before they leave a mark. */
  isInBackground: boolean;
  isRemoved: boolean;
};

export type LiveSession = {
  id: string;
  cwd: string;
  messages: SentMessage[];
  isFork: boolean;
  /** Whether its turns go on in another process. */
  goesOn: boolean;
};

const noteTool = (readOnly: boolean) => ({
  name: 'note',
  description: 'Takes a note.',
  input_schema: { type: 'object', properties: { mark: { type: 'string' } } },
  read_only: readOnly,
});

/** Does things to one session, and to forks of it, that may be refused, as its state has it at that moment. */
export class LiveClient {
  readonly sessions: LiveSession[] = [];
  readonly #servers: LiveServers;
  readonly #random: Random;
  readonly #name: string;
  readonly #root: string;
  #count = 0;

  constructor(servers: LiveServers, { random, name, root }: { random: Random; name: string; root: string }) {
    this.#servers = servers;
    this.#random = random;
    this.#name = name;
    this.#root = root;
  }

  async run(steps: number): Promise<void> {
    await this.#start();
    for (let step = 0; step < steps; step++) {
      await delay(this.#random.upTo(700));
      const session = this.#random.pick(this.sessions as [LiveSession, ...LiveSession[]]);
      const choice = this.#random.next();
      if (choice < 0.4) await this.#send(session);
      else if (choice < 0.6) await Promise.all([this.#send(session), this.#send(session)]);
      else if (choice < 0.67) await this.#interrupt(session);
      else if (choice < 0.7) await this.#cancel(session);
      else if (choice < 0.82) await this.#changeWaiting(session);
      else if (choice < 0.93) await this.#changeSettings(session);
      else await this.#fork(session);
    }
  }

  /** What hangs is stopped; the rest ends by itself, or is answered. */
  async release(): Promise<void> {
    for (const session of this.sessions) {
      const { body } = await this.#request('GET', `/sessions/${session.id}`);
      const running = body.turns.find((turn: { state: string }) => turn.state === 'running');
      // The agent program puts a message that steered a turn in vain behind the next prompt: that one hangs then.
      const isHeard = (turn: { steered_into: string | null }) =>
        turn === running || turn.steered_into !== null;
      const prompts = running === undefined ? [] : body.turns.filter(isHeard);
      if (prompts.some(({ prompt }: { prompt: string }) => prompt.includes('[demo:hang]'))) {
        await this.#interrupt(session, 'keep');
      }
    }
  }

  async #start(): Promise<void> {
    const random = this.#random;
    const cwd = join(this.#root, this.#name);
    await mkdir(cwd);
    if (process.getuid?.() === 0) await chown(cwd, SOMEBODY, SOMEBODY);
    const message = this.#write();
    const goesOn = random.chance(0.75);
    const body = {
      prompt: message.prompt,
      cwd,
      client_tools: [noteTool(random.chance(0.6))],
      park_after_s: random.pick([0, 0, 300]),
      background_tasks: true,
      ...(goesOn ? {} : { on_interruption: 'end' }),
      ...(random.chance(0.85) ? { approvals: 'ask' } : { allowed_tools: ['Bash'] }),
      ...(random.chance(0.25) ? { approval_timeout_s: 1 } : {}),
      ...(random.chance(0.3) ? { approval_timeout_action: 'end_turn' } : {}),
    };
    const { status, body: given } = await this.#post('/execute/', body);
    assert.equal(status, 200, JSON.stringify(given));
    const session = { id: given.session_id, cwd, messages: [message], isFork: false, goesOn };
    const { body: found } = await this.#request('GET', `/sessions/${session.id}`);
    message.turnId = found.turns[0].turn_id;
    this.sessions.push(session);
  }

  async #send(session: LiveSession): Promise<void> {
    const message = this.#write();
    session.messages.push(message);
    const delivery = this.#random.pick(['queue', 'queue', 'steer', 'steer', 'interrupt']);
    const { status, body } = await this.#post(`/sessions/${session.id}/messages`, {
      prompt: message.prompt,
      delivery,
    });
    assert.equal(status, 202, JSON.stringify(body));
    message.turnId = body.turn_id;
  }

  /** Sometimes twice, which must not make a difference. */
  async #post(path: string, body: object): Promise<Reply> {
    const call = { method: 'POST', path, body, key: `${this.#name}-${++this.#count}` };
    if (!this.#random.chance(0.3)) return await this.#servers.request(this.#random, call);
    const [first, second] = await Promise.all([
      this.#servers.request(this.#random, call),
      this.#servers.request(this.#random, call),
    ]);
    const identify = ({ status, body }: Reply) => [status, body?.session_id, body?.turn_id];
    assert.deepEqual(identify(second), identify(first), 'the same request, the same answer');
    return first;
  }

  async #interrupt(session: LiveSession, queued = this.#random.pick(['keep', 'keep', 'discard'])) {
    const path = `/sessions/${session.id}/interrupt?queued=${queued}`;
    expectOneOf(await this.#request('POST', path), [200], ['session_not_running']);
  }

  async #cancel(session: LiveSession): Promise<void> {
    expectOneOf(await this.#request('POST', `/cancel/${session.id}`), [200], ['session_not_running']);
  }

  async #changeWaiting(session: LiveSession): Promise<void> {
    const message = session.messages.at(-1);
    if (message === undefined || message.turnId === null) return;
    const path = `/sessions/${session.id}/messages/${message.turnId}`;
    if (this.#random.chance(0.5)) {
      const { status, body } = await this.#request('DELETE', path);
      expectOneOf({ status, body }, [200], ['message_not_queued']);
      message.isRemoved ||= status === 200;
      return;
    }
    const edited = { ...this.#write(), turnId: message.turnId };
    session.messages.push(edited);
    const reply = await this.#request('PATCH', path, { prompt: edited.prompt });
    expectOneOf(reply, [200], ['message_not_queued']);
  }

  async #changeSettings(session: LiveSession): Promise<void> {
    const body = this.#random.pick<object>([
      { model: this.#random.pick(['haiku', 'sonnet', 'opus']) },
      { permission_mode: this.#random.pick(['default', 'acceptEdits']) },
      { park_after_s: this.#random.pick([0, 300]) },
      { max_turns: 50 + this.#random.upTo(3) },
    ]);
    expectOneOf(await this.#request('PATCH', `/sessions/${session.id}`, body), [200], []);
  }

  async #fork(session: LiveSession): Promise<void> {
    const message = this.#write();
    const { status, body } = await this.#post(`/sessions/${session.id}/fork`, { prompt: message.prompt });
    assert.equal(status, 201, JSON.stringify(body));
    message.turnId = body.turns.at(-1).turn_id;
    const { cwd, goesOn } = session;
    this.sessions.push({ id: body.session_id, cwd, messages: [message], isFork: true, goesOn });
  }

  async #request(method: string, path: string, body?: object): Promise<Reply> {
    const call = { method, path, ...(body === undefined ? {} : { body }) };
    return await this.#servers.request(this.#random, call);
  }

  #write(): SentMessage {
    const id = `${this.#name}m${++this.#count}`;
    const [a, b] = [`${id}a`, `${id}b`];
    const run = (mark: string, before = '') => `run: ${before}echo ${mark} >> ${mark}`;
    const note = (mark: string) => `use mcp__client__note {"mark": "${mark}"}`;
    const wait = `sleep 0.${this.#random.upTo(10)}; `;
    const [x, y] = [this.#random.upTo(1_000_000), this.#random.upTo(1_000_000)];
    const inBackground = (tool: string, input: object) => ({
      prompt: `use ${tool} ${JSON.stringify({ ...input, run_in_background: true })}`,
      marks: [a],
      isInBackground: true,
    });
    const bash = { command: `${wait}echo ${a} >> ${a}` };
    const agent = { description: 'work', prompt: run(a, wait), subagent_type: 'general-purpose' };
    const draft = this.#random.pick<Pick<SentMessage, 'prompt' | 'marks'> & Partial<SentMessage>>([
      { prompt: run(a), marks: [a] },
      { prompt: run(a), marks: [a] },
      { prompt: `${run(a)} then ${run(b, wait)}`, marks: [a, b] },
      { prompt: run(a, wait), marks: [a] },
      { prompt: `${run(a, wait)} and also ${run(b)}`, marks: [a, b] },
      { prompt: `${note(a)} and also ${note(b)}`, marks: [a, b] },
      { prompt: `${run(a)} then ${note(b)}`, marks: [a, b] },
      { prompt: `${run(a)} and also ${note(b)}`, marks: [a, b] },
      { prompt: `delegate: ${run(a)}`, marks: [a] },
      inBackground('Bash', bash),
      inBackground('Agent', agent),
      { prompt: `ask me: Which ${id}? red or blue`, marks: [] },
      { prompt: `[demo:hang] ${id}`, marks: [] },
      { prompt: `[demo:slow 40] ${id}: count from 1 to 30`, marks: [] },
      { prompt: `What is ${x} + ${y}?`, marks: [], answer: `${x} + ${y} = ${x + y}` },
    ]);
    return { answer: null, isInBackground: false, ...draft, turnId: null, isRemoved: false };
  }
}

function expectOneOf({ status, body }: Reply, statuses: number[], codes: string[]): void {
  if (status === 0 || statuses.includes(status) || codes.includes(body?.code)) return;
  assert.fail(`${status} ${JSON.stringify(body)}`);
}
