import assert from 'node:assert/strict';
import type { AgentMessage } from '../agent/agent-process.ts';
import { parseResult } from './outcome.ts';
import { type Effect, type Input, initialState, step, type TimerName, type Turn } from './step.ts';
import type { Word } from './word.ts';

/*
 * For tests: the world around a stay, small enough to be right at a glance. A table of turns, and an agent program with a
 * queue of messages, as `turn-boundaries` of the Agent SDK were measured: it begins what it was given in order, takes what
 * comes while it works into what it does or answers it after, and rests when there is nothing left.
 */

type Row = { state: 'queued' | 'running' | 'ended'; steers: boolean; into: string | null };

type Program = { inbox: string[]; isWorking: boolean; at: string[]; isEnding: boolean };

const message = { type: 'system', subtype: 'of the model' } as unknown as AgentMessage;

export class StayModel {
  readonly turns = new Map<string, Row>();
  /** How often an agent began each message. */
  readonly begun = new Map<string, number>();
  readonly #ends = new Map<string, number>();
  readonly #letters: Input[] = [];
  readonly #timers = new Set<TimerName>();
  #state = initialState;
  #program: Program | null = null;
  #turnId: string | null = null;
  #wakes = 0;

  constructor() {
    this.post({ type: 'claimed' });
  }

  get at(): string {
    return this.#state.stay.at;
  }
  get isQuiet(): boolean {
    return this.#letters.length === 0;
  }

  post(input: Input): void {
    this.#letters.push(input);
  }

  /** Deals with one letter. */
  read(): void {
    const input = this.#letters.shift();
    if (input !== undefined && this.at !== 'ended') this.#take(input);
  }

  #take(input: Input): void {
    const { state, effects } = step(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      const next = this.#do(effect);
      if (next !== undefined) this.#take(next);
    }
  }

  /** The session was given up: what comes has a job of its own. */
  #stayAgain(): void {
    this.#letters.length = 0;
    this.#state = initialState;
    this.post({ type: 'claimed' });
  }

  // --- who uses the session

  queue(id: string, steers: boolean): void {
    this.turns.set(id, { state: 'queued', steers, into: null });
    if (this.at === 'ended' && this.#state.leaving === 'no') this.#stayAgain();
    else this.post({ type: 'queued' });
  }

  cancel(): void {
    const running = this.#running();
    if (running === undefined) return;
    this.#end(running);
    this.post({ type: 'stop', turnId: running });
  }

  fireTimer(index: number): void {
    const name = [...this.#timers][index % Math.max(1, this.#timers.size)];
    if (name === undefined) return;
    this.#timers.delete(name);
    this.post({ type: 'timer', name });
  }

  // --- the agent program

  /** It goes on by a step; `folds`: what has come meanwhile becomes part of what it does. */
  work(folds: boolean): void {
    const program = this.#program;
    if (program === null || program.isEnding) return;
    if (!program.isWorking) {
      if (program.inbox.length > 0) this.#beginNext(program);
    } else if (folds && program.inbox.length > 0) this.#begin(program);
    else this.#answer(program);
  }

  /** A task of it has ended: at rest it begins by itself. */
  wake(): void {
    const program = this.#program;
    if (program === null || program.isEnding || program.isWorking || program.inbox.length > 0) return;
    this.#say({ is: 'notice', text: 'over' }, { is: 'begins' });
    program.isWorking = true;
  }

  crash(): void {
    if (this.#program === null) return;
    this.#program = null;
    this.post({ type: 'gone', error: new Error('crashed') });
  }

  #beginNext(program: Program): void {
    program.isWorking = true;
    this.#begin(program);
    this.#say({ is: 'begins' });
  }

  #begin(program: Program): void {
    const id = program.inbox.shift() ?? assert.fail();
    program.at.push(id);
    this.begun.set(id, (this.begun.get(id) ?? 0) + 1);
    this.#say({ is: 'takes', id });
  }

  #answer(program: Program): void {
    const said = { type: 'result', subtype: 'success', is_error: false, session_id: 's', result: 'done' };
    this.#say({ is: 'result', result: parseResult({ ...said, user_message_uuids: program.at }) });
    program.at = [];
    program.isWorking = false;
    if (program.inbox.length > 0) this.#beginNext(program);
    else this.#say({ is: 'rests' });
  }

  #say(...words: Word[]): void {
    for (const word of words) this.post({ type: 'said', word, message });
  }

  #interrupt(): void {
    const program = this.#program;
    if (program === null || program.isEnding) return;
    for (const id of program.inbox.splice(0)) this.#say({ is: 'returns', id });
    for (const id of program.at) this.#say({ is: 'returns', id });
    if (program.isWorking) this.#answer(program);
    else this.#say({ is: 'rests' });
  }

  // --- what the stay does

  #do(effect: Effect): Input | undefined {
    switch (effect.do) {
      case 'choose':
        return this.#choose();
      case 'wake': {
        const id = `wake-${++this.#wakes}`;
        this.turns.set(id, { state: 'running', steers: false, into: null });
        this.#turnId = id;
        return { type: 'woken', turn: { id, promptId: null } };
      }
      case 'hand_over':
        return this.#handOver();
      case 'give_prompt':
        this.#give(this.#turnId ?? assert.fail());
        return undefined;
      case 'give_again':
        return assert.fail('nobody took the prompt back');
      case 'put_back':
        this.#putBack(effect.messageId);
        return undefined;
      case 'release':
        return this.#release();
      default:
        this.#act(effect);
        return undefined;
    }
  }

  #act(effect: Effect): void {
    if (effect.do === 'seat') this.#seat();
    else if (effect.do === 'interrupt') this.#interrupt();
    else if (effect.do === 'end_agent') {
      const isStopped = this.#turnId !== null || this.#state.leaving === 'hurry';
      assert.ok(effect.how !== 'kill' || isStopped, 'an agent is killed that nobody has stopped');
      this.#endAgent();
    } else if (effect.do === 'finish') this.#finish();
    else if (effect.do === 'set_timer') this.#timers.add(effect.name);
    else if (effect.do === 'clear_timer') this.#timers.delete(effect.name);
  }

  #choose(): Input {
    assert.equal(this.#running(), undefined, 'P2: one turn at a time');
    const waiting = [...this.turns].filter(([, { state }]) => state === 'queued');
    const [id, row] = waiting.find(([, { steers }]) => steers) ?? waiting[0] ?? [];
    if (id === undefined || row === undefined) return { type: 'nothing' };
    row.state = 'running';
    this.#turnId = id;
    const turn: Turn = { id, promptId: id };
    return { type: 'chosen', turn };
  }

  #seat(): void {
    this.#program ??= { inbox: [], isWorking: false, at: [], isEnding: false };
    this.post({ type: 'seated' });
  }

  #give(id: string): void {
    const program = this.#program;
    // One that has just ended takes nothing any more.
    if (program === null || program.isEnding) return;
    program.inbox.push(id);
  }

  #handOver(): Input | undefined {
    const into = this.#turnId ?? assert.fail();
    if (this.turns.get(into)?.state !== 'running' || this.#program === null || this.#program.isEnding)
      return undefined;
    const ids = [...this.turns].flatMap(([id, { state, steers }]) =>
      state === 'queued' && steers ? [id] : [],
    );
    for (const id of ids) {
      this.turns.set(id, { state: 'ended', steers: true, into });
      this.#give(id);
    }
    return ids.length === 0 ? undefined : { type: 'handed', ids };
  }

  #putBack(id: string): void {
    assert.equal(this.begun.get(id) ?? 0, 0, `${id} was begun and comes back`);
    this.turns.set(id, { state: 'queued', steers: true, into: null });
  }

  #finish(): void {
    const id = this.#turnId ?? assert.fail();
    this.#turnId = null;
    if (this.turns.get(id)?.state === 'running') this.#end(id);
    if (this.#program !== null) return;
    // The stored transcript says what the process has read.
    for (const [steering, { into }] of this.turns)
      if (into === id && !this.begun.has(steering)) this.#putBack(steering);
  }

  #end(id: string): void {
    this.turns.set(id, { state: 'ended', steers: false, into: null });
    this.#ends.set(id, (this.#ends.get(id) ?? 0) + 1);
  }

  #endAgent(): void {
    if (this.#program === null || this.#program.isEnding) return;
    this.#program.isEnding = true;
    this.#program = null;
    this.post({ type: 'gone', error: new Error('ended') });
  }

  #release(): Input {
    assert.equal(this.#program, null, 'P5: no process outlives the stay');
    const hasInput = [...this.turns.values()].some(({ state }) => state === 'queued');
    if (!hasInput) return { type: 'released', to: 'nobody' };
    return { type: 'released', to: this.#state.leaving === 'no' ? 'input' : 'queue' };
  }

  #running(): string | undefined {
    return [...this.turns].find(([, { state }]) => state === 'running')?.[0];
  }

  /** When nothing moves any more. */
  check(): void {
    for (const [id, times] of this.#ends) assert.equal(times, 1, `P1: ${id} ended once`);
    for (const [id, times] of this.begun) assert.equal(times, 1, `P3: ${id} was begun once`);
    for (const [id, { state, into }] of this.turns) {
      if (this.#state.leaving === 'no') assert.equal(state, 'ended', `P1: ${id} has ended`);
      else assert.notEqual(state, 'running', `P1: ${id} is left to nobody`);
      if (into !== null) assert.equal(this.#ends.get(into), 1, `${id} is part of a turn that ended`);
    }
    assert.ok(['idle', 'ended'].includes(this.at), `it stays ${this.at}`);
  }
}
