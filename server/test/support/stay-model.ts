import assert from 'node:assert/strict';
import type { AgentMessage } from '../../src/engine/agent/agent-process.ts';
import { parseResult } from '../../src/engine/hold/outcome.ts';
import {
  type Effect,
  type Input,
  initialState,
  type Parting,
  step,
  type TimerName,
  type Turn,
} from '../../src/engine/stay/step.ts';
import type { Word } from '../../src/engine/stay/word.ts';

/*
 * For tests: the world around a stay, small enough to be right at a glance. A table of turns, and an agent program with a
 * queue of messages, as `turn-boundaries` of the Agent SDK were measured: it begins what it was given in order, takes what
 * comes while it works into what it does or answers it after, and rests when there is nothing left. What it asks of its model
 * may be held back; one that goes on with what another began gets no message, and says that it begins.
 */

type Row = { state: 'queued' | 'running' | 'ended'; steers: boolean; into: string | null };

type Program = {
  inbox: string[];
  isWorking: boolean;
  at: string[];
  isEnding: boolean;
  isHeld: boolean;
  /** What it is to go on with by itself. */
  resumes: string | null;
};

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
  /** Left as it is, to go on in another process. */
  #kept: { id: string; why: Parting } | null = null;
  /** By which name the agent gets it, where that is another one. */
  readonly #names = new Map<string, string>();
  readonly #goesOn: boolean;
  #isQueued = false;
  #wakes = 0;

  constructor({ goesOn }: { goesOn: boolean }) {
    this.#goesOn = goesOn;
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
    this.#isQueued = false;
    this.post({ type: 'claimed' });
  }

  /** Whoever is next takes what was given back to the queue. */
  takeFromQueue(): void {
    if (this.at === 'ended' && this.#isQueued) this.#stayAgain();
  }

  // --- who uses the session

  queue(id: string, steers: boolean): void {
    this.turns.set(id, { state: 'queued', steers, into: null });
    if (this.at === 'ended' && this.#state.leaving === 'no') this.#stayAgain();
    else if (this.at === 'ended') this.#isQueued = true;
    else this.post({ type: 'queued' });
  }

  cancel(): void {
    const running = this.#running();
    if (running === undefined) return;
    this.#end(running);
    this.post({ type: 'stop', turnId: running });
  }

  expire(): void {
    const error = { code: 'timeout' as const, message: 'too long' };
    this.post({ type: 'expired', turnId: this.#running() ?? '', error });
  }

  fireTimer(index: number): void {
    const name = [...this.#timers][index % Math.max(1, this.#timers.size)];
    if (name === undefined) return;
    this.#timers.delete(name);
    this.post({ type: 'timer', name });
  }

  // --- the agent program

  /** It asks the model: that is held back where the session is to leave. */
  request(owes: boolean): void {
    const program = this.#program;
    if (program === null || program.isEnding || !program.isWorking) return;
    if (this.#state.leaving === 'no' && !owes) return;
    program.isHeld = true;
    this.post({ type: 'asks', calls: 0, owes });
  }

  /** It goes on by a step; `folds`: what has come meanwhile becomes part of what it does. */
  work(folds: boolean): void {
    const program = this.#program;
    if (program === null || program.isEnding || program.isHeld) return;
    if (program.resumes !== null) {
      program.at.push(program.resumes);
      program.resumes = null;
      program.isWorking = true;
      this.#say({ is: 'begins' });
    } else if (!program.isWorking) {
      if (program.inbox.length > 0) this.#beginNext(program);
    } else if (folds && program.inbox.length > 0) this.#begin(program);
    else this.#answer(program);
  }

  /** A task of it has ended: at rest it begins by itself. */
  wake(): void {
    const program = this.#program;
    if (program === null || program.isEnding || program.isWorking || program.inbox.length > 0) return;
    if (program.resumes !== null) return;
    this.#say({ is: 'notice', text: 'over' }, { is: 'begins' });
    program.isWorking = true;
  }

  crash(isLasting: boolean): void {
    if (this.#program === null) return;
    this.#program = null;
    this.post({ type: 'gone', error: new Error('crashed'), isLasting });
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
    program.isHeld = false;
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
        return { type: 'woken', turn: { id, promptId: null, goesOn: this.#goesOn } };
      }
      case 'hand_over':
        return this.#handOver();
      case 'give_prompt':
        this.#give(this.#nameOf(this.#turnId ?? assert.fail()));
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
    if (effect.do === 'seat') this.#seat(effect.turn);
    else if (effect.do === 'park') this.#park(effect.why);
    else if (effect.do === 'forward') {
      if (this.#program !== null) this.#program.isHeld = false;
    } else if (effect.do === 'interrupt') this.#interrupt();
    else if (effect.do === 'end_agent') {
      const isStopped = this.#turnId !== null || this.#state.leaving === 'hurry';
      assert.ok(effect.how !== 'kill' || isStopped, 'an agent is killed that nobody has stopped');
      this.#endAgent();
    } else if (effect.do === 'finish') this.#finish();
    else if (effect.do === 'set_timer') this.#timers.add(effect.name);
    else if (effect.do === 'clear_timer') this.#timers.delete(effect.name);
  }

  #choose(): Input {
    const running = this.#running();
    const kept = this.#kept;
    this.#kept = null;
    if (running !== undefined) {
      assert.equal(running, kept?.id, 'P2: one turn at a time');
      return this.#goOn(running, kept?.why ?? assert.fail());
    }
    const waiting = [...this.turns].filter(([, { state }]) => state === 'queued');
    const [id, row] = waiting.find(([, { steers }]) => steers) ?? waiting[0] ?? [];
    if (id === undefined || row === undefined) return { type: 'nothing' };
    row.state = 'running';
    this.#turnId = id;
    const turn: Turn = { id, promptId: id, goesOn: this.#goesOn };
    return { type: 'chosen', turn };
  }

  /** As the end of the stored transcript says. */
  #goOn(id: string, why: Parting): Input {
    this.#turnId = id;
    const goesOn = this.#goesOn;
    const isHeard = this.begun.has(this.#nameOf(id)) || id.startsWith('wake-');
    if (!isHeard) return { type: 'chosen', turn: { id, promptId: this.#nameOf(id), goesOn } };
    if (why !== 'silence') return { type: 'chosen', turn: { id, promptId: null, goesOn } };
    this.#names.set(id, `${this.#nameOf(id)}'`);
    return { type: 'chosen', turn: { id, promptId: this.#nameOf(id), goesOn } };
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  #seat({ promptId, id }: Turn): void {
    const resumes = promptId === null ? id : null;
    if (resumes !== null)
      assert.equal(this.#program, null, 'what goes on by itself has a process of its own');
    this.#program ??= { inbox: [], isWorking: false, at: [], isEnding: false, isHeld: false, resumes };
    this.post({ type: 'seated' });
  }

  #park(why: Parting): void {
    const id = this.#turnId ?? assert.fail();
    assert.equal(this.#program, null, 'P2: one process at a time');
    this.#turnId = null;
    this.#kept = { id, why };
    this.#returnUnread(id);
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
    if (this.#program === null) this.#returnUnread(id);
  }

  /** The stored transcript says what the process has read. */
  #returnUnread(id: string): void {
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
    this.post({ type: 'gone', error: new Error('ended'), isLasting: false });
  }

  #release(): Input {
    assert.equal(this.#program, null, 'P5: no process outlives the stay');
    const hasInput = [...this.turns.values()].some(({ state }) => state !== 'ended');
    if (!hasInput) return { type: 'released', to: 'nobody' };
    this.#isQueued = this.#state.leaving !== 'no';
    return { type: 'released', to: this.#isQueued ? 'queue' : 'input' };
  }

  #running(): string | undefined {
    return [...this.turns].find(([, { state }]) => state === 'running')?.[0];
  }

  /** When nothing moves any more. */
  check(): void {
    for (const [id, times] of this.#ends) assert.equal(times, 1, `P1: ${id} ended once`);
    for (const [id, times] of this.begun) assert.equal(times, 1, `P3: ${id} was begun once`);
    for (const [id, { state, into }] of this.turns) {
      assert.equal(state, 'ended', `P1: ${id} has ended`);
      if (into !== null) assert.equal(this.#ends.get(into), 1, `${id} is part of a turn that ended`);
    }
    assert.ok(['idle', 'ended'].includes(this.at), `it stays ${this.at}`);
  }
}
