import { randomUUID } from 'node:crypto';
import { newTurnId } from '../../ground/ids.ts';
import type { Logger } from '../../ground/log.ts';
import type { ActivationJob } from '../../ground/queue/queue.ts';
import { messageIdOf } from '../../session/turn/store.ts';
import type { TurnError, TurnOutcome } from '../../session/turn/turn.ts';
import type { AgentMessage } from '../agent/agent-process.ts';
import { type Claim, type KeptTurn, releaseSession } from '../hold/claim.ts';
import type { HeldSession } from '../hold/held-session.ts';
import { crashOutcome, outcomeOf, outcomeWithoutResult } from '../hold/outcome.ts';
import {
  type BegunTurn,
  beginTurn,
  finishTurn,
  handOver,
  noteRead,
  parkTurn,
  putBack,
  recordMode,
  recordSpending,
  renewMessage,
  renewNote,
  showTasks,
  wakeTurn,
  withNote,
} from '../hold/turns.ts';
import { AgentGoneError, type Seat } from '../seat/seat.ts';
import type { WorkerServices } from '../services.ts';
import { DeltaPublisher } from './deltas.ts';
import { FileKeeper } from './file-keeper.ts';
import type { MessageLog } from './message-log.ts';
import { partings } from './partings.ts';
import type { Effect, Input, Parting, State, Turn, TurnEnd } from './step.ts';
import { Timers } from './timers.ts';
import { translate } from './translate.ts';
import { TurnWatch } from './turn-watch.ts';
import { modeOf } from './word.ts';

type SilentEffect = Exclude<Effect, { do: 'choose' | 'wake' | 'give_again' | 'hand_over' | 'release' }>;

/** The turn that runs here, with what belongs to it. */
type LiveTurn = BegunTurn & {
  watch: TurnWatch;
  /** Messages that are part of it and that its agent has, or has read: the ids that it knows them by. */
  given: Set<string>;
};

export type DeedsParts = {
  services: WorkerServices;
  held: HeldSession;
  logger: Logger;
  messages: MessageLog;
  seat: Seat;
  /** The job of the stay: another one after a claim was renewed late. */
  job: () => ActivationJob;
  /** How the stay stands now. */
  state: () => State;
  /** Puts a letter into its mailbox. */
  tell: (input: Input) => void;
  /** Calls of tools began or ended. */
  onCalls: () => void;
  /** Lets the request to the model go that is held back. */
  forward: () => void;
};

/** Carries out what `step` says of a stay. What comes of it is an input again: at once, or by the mailbox. */
export class Deeds {
  readonly #parts: DeedsParts;
  readonly #services: WorkerServices;
  readonly #held: HeldSession;
  readonly #messages: MessageLog;
  readonly #seat: Seat;
  readonly #logger: Logger;
  readonly #files: FileKeeper;
  readonly #deltas: DeltaPublisher;
  readonly #timers: Timers;
  #turn: LiveTurn | null = null;
  /** Begun by an earlier process, and to be gone on with. */
  #kept: KeptTurn | null = null;
  /** The permission mode that the agent was in when it was heard of last. */
  #mode: string | null = null;
  #isClosed = false;

  constructor(parts: DeedsParts) {
    const { services, held } = parts;
    this.#parts = parts;
    this.#services = services;
    this.#held = held;
    this.#messages = parts.messages;
    this.#seat = parts.seat;
    this.#logger = parts.logger;
    this.#files = new FileKeeper(services.workspaces);
    this.#deltas = new DeltaPublisher(held.id, (pieces) => services.bus.publish(pieces));
    this.#timers = new Timers({
      clock: services.clock,
      idleTtl: services.idleTtl,
      state: parts.state,
      options: () => this.#running.session.options,
      tell: parts.tell,
    });
  }

  /** The turn that runs here. */
  get turn(): LiveTurn | null {
    return this.#turn;
  }

  /** Resolves when no snapshot of the session's files is being taken. */
  get kept(): Promise<void> {
    return this.#files.kept;
  }

  /** What an earlier stay has left. */
  takeOver({ kept, session }: Claim): void {
    this.#kept = kept;
    this.#mode = session.effective_permission_mode;
  }

  /** Nothing is done any more. */
  close(): void {
    this.#isClosed = true;
    this.#timers.clearAll();
    this.#turn?.watch.pause();
    this.#deltas[Symbol.dispose]();
  }

  /** What the agent was writing is not written any more. */
  forgetDrafts(): void {
    this.#deltas[Symbol.dispose]();
  }

  async do(effect: Effect): Promise<Input | undefined> {
    switch (effect.do) {
      case 'choose':
        return await this.#choose();
      case 'wake':
        return await this.#wake(effect.notice);
      case 'give_again':
        return await this.#giveAgain();
      case 'hand_over':
        return await this.#handOver();
      case 'release':
        return await this.#release();
      default:
        await this.#carryOut(effect);
        return undefined;
    }
  }

  /** What says nothing back at once. */
  async #carryOut(effect: SilentEffect): Promise<void> {
    switch (effect.do) {
      case 'seat':
        return this.#beginToSeat();
      case 'give_prompt':
        return this.#givePrompt();
      case 'put_back':
        return await this.#held.record(async (db, hold) => await putBack(db, hold, effect.messageId));
      case 'note_read':
        return await this.#noteRead(effect.messageId);
      case 'log':
        this.#log(effect.message);
        return await this.noteMode(modeOf(effect.message));
      case 'show_tasks':
        return await this.#held.record(
          async (db, hold) =>
            await showTasks(db, hold, { turnId: this.#running.turn.id, awaits: effect.awaits }),
        );
      case 'watch':
        return effect.runs ? this.#turn?.watch.run() : this.#turn?.watch.pause();
      case 'set_timer':
        return this.#timers.set(effect.name);
      case 'clear_timer':
        return this.#timers.clear(effect.name);
      case 'interrupt':
        return this.#interrupt(effect.agents);
      case 'end_agent':
        return this.#endAgent(effect.how);
      case 'finish':
        return await this.#finish(effect.end, effect.failure);
      case 'park':
        return await this.#park(effect.why, effect.error);
      case 'forward':
        return this.#parts.forward();
      default:
        return effect satisfies never;
    }
  }

  get #running(): LiveTurn {
    if (this.#turn === null) throw new Error('no turn runs');
    return this.#turn;
  }

  async #choose(): Promise<Input> {
    while (true) {
      const begun = await this.#held.persist(async (db, hold) => await beginTurn(db, hold, this.#kept));
      if (begun === null) return { type: 'nothing' };
      if ('refused' in begun) this.#held.publish(begun.refused);
      else {
        const hasPrompt = begun.continuation === null || begun.note !== null;
        const promptId = hasPrompt ? (begun.note?.id ?? messageIdOf(begun.turn)) : null;
        return { type: 'chosen', turn: this.#begin(begun, promptId) };
      }
    }
  }

  #begin(begun: BegunTurn, promptId: string | null): Turn {
    const { turn, session, continuation, ranMs } = begun;
    const { timeout_s } = session.options;
    const { clock, stallTimeout } = this.#services;
    const deadlineMs = timeout_s === undefined ? null : Math.max(0, timeout_s * 1000 - ranMs);
    const watch = new TurnWatch(
      { clock, stallMs: stallTimeout, deadlineMs },
      () => this.#seat.agent?.lastHeardAt ?? 0,
      (error) => this.#parts.tell({ type: 'expired', turnId: turn.id, error }),
    );
    this.#turn = { ...begun, watch, given: new Set(begun.read) };
    this.#held.publish(begun.events);
    this.#logger.info(
      { turn_id: turn.id, turn: turn.number, warm: this.#seat.agent !== null, continuation },
      'turn started',
    );
    return { id: turn.id, promptId, goesOn: begun.goesOn };
  }

  #beginToSeat(): void {
    const live = this.#running;
    if (live.continuation === null) this.#files.beforeTurn(live.session, live.turn.id);
    this.#seat
      .ensure(live, () => this.#isUnwanted())
      .then(async () => await this.#files.kept)
      .then(
        () => this.#parts.tell({ type: 'seated' }),
        (error) =>
          this.#parts.tell({ type: 'unseated', error, isLasting: !(error instanceof AgentGoneError) }),
      );
  }

  /** Whether an agent that is about to be started is not wanted any more: by its turn, or by anybody. */
  #isUnwanted(): boolean {
    const { stay, leaving } = this.#parts.state();
    const isLost = this.#isClosed || this.#held.failed.signal.aborted || leaving === 'hurry';
    return isLost || stay.at !== 'starting' || stay.isStopped;
  }

  #givePrompt(): void {
    const { turn, note } = this.#running;
    if (note === null) this.#give(turn);
    else this.#seat.agent?.process.send(note.id, withNote(turn, note));
  }

  #give(turn: BegunTurn['turn']): void {
    this.#seat.agent?.process.send(messageIdOf(turn), turn.content ?? turn.prompt);
  }

  async #giveAgain(): Promise<Input> {
    const { turn, note } = this.#running;
    const renewed = await this.#held.persist(async (db, hold) =>
      note === null
        ? await renewMessage(db, hold, turn.id)
        : await renewNote(db, hold, { turnId: turn.id, note }),
    );
    if (note?.withPrompt !== false) this.#running.turn = { ...turn, message_id: renewed };
    if (note !== null) this.#running.note = { ...note, id: renewed };
    this.#givePrompt();
    return { type: 'given_again', promptId: renewed };
  }

  async #handOver(): Promise<Input | undefined> {
    const { turn, given } = this.#running;
    if (this.#seat.agent?.process.isEnding !== false) return undefined;
    const handed = await this.#held.persist(
      async (db, hold) => await handOver(db, hold, { turnId: turn.id, given }),
    );
    this.#held.publish(handed.events);
    for (const message of handed.messages) {
      given.add(messageIdOf(message));
      this.#give(message);
    }
    const ids = handed.messages.map(messageIdOf);
    return ids.length === 0 ? undefined : { type: 'handed', ids };
  }

  async #noteRead(messageId: string): Promise<void> {
    await this.#messages.stored;
    await this.#held.record(async (db, hold) => await noteRead(db, hold, messageId));
  }

  async #wake(notice: string): Promise<Input> {
    const id = newTurnId();
    const begun = await this.#held.persist(
      async (db, hold) => await wakeTurn(db, hold, { id, prompt: notice }),
    );
    return { type: 'woken', turn: this.#begin(begun, null) };
  }

  #interrupt(agents: readonly string[]): void {
    const process = this.#seat.agent?.process;
    const refused = (error: unknown): void =>
      this.#logger.debug({ err: error }, 'the agent refused the interrupt');
    process?.interrupt().catch(refused);
    // They belong to the turn, and an interrupt leaves them alone.
    for (const id of agents) process?.stopTask(id).catch(refused);
  }

  #endAgent(how: 'close' | 'kill' | 'park'): void {
    const { stay, leaving } = this.#parts.state();
    if (stay.at === 'stopping' && how === 'kill' && leaving !== 'hurry')
      this.#logger.warn({ turn_id: this.#turn?.turn.id }, 'the agent ignored the interrupt; killing it');
    this.#seat
      .end(how)
      .catch((error) => this.#logger.error({ err: error }, 'could not end the agent process'));
  }

  async #finish(end: TurnEnd, failure: TurnError | null): Promise<void> {
    const { turn, session } = this.#running;
    // What it said last belongs before the end of its turn.
    await this.#messages.stored;
    this.#held.throwIfFailed();
    const found = this.#outcomeOf(end);
    const outcome: TurnOutcome = failure === null ? found : { ...found, state: 'error', error: failure };
    this.#turn = null;
    this.#kept = null;
    // What it asked of the model last is counted to it.
    await this.#held.waitFor(this.#services.gateway.settled(this.#held.id));
    const isCut = this.#seat.agent === null;
    await this.#held.record(async (db, hold) => await finishTurn(db, hold, { turn, outcome, isCut }));
    const error = outcome.state === 'error' ? outcome.error.code : undefined;
    this.#logger.info({ turn_id: turn.id, state: outcome.state, error }, 'turn ended');
    this.#files.afterTurn(session);
  }

  #outcomeOf(end: TurnEnd): TurnOutcome {
    const isLeaving = this.#parts.state().leaving === 'hurry';
    switch (end.by) {
      case 'result': {
        const { session, steps } = this.#running;
        const { options } = session;
        const result = { ...end.result, num_turns: end.result.num_turns + steps };
        return outcomeOf(result, { options, spentBudget: this.#seat.agent?.access.spentBudget ?? null });
      }
      case 'crash':
        return crashOutcome(end.error, isLeaving);
      case 'stop':
        return crashOutcome(new Error('the turn was stopped before its agent had it'), isLeaving);
      case 'silence':
        return outcomeWithoutResult('agent_crashed', 'The agent ended the turn without a result.');
      default:
        return end satisfies never;
    }
  }

  async #park(why: Parting, error: unknown): Promise<void> {
    const { turn } = this.#running;
    await this.#messages.stored;
    this.#turn = null;
    const { reason, isWhole, level, text } = partings[why];
    const died = why === 'crash' ? { error } : {};
    this.#kept = { id: turn.id, try: randomUUID(), reason, isWhole, ...died };
    await this.#held.record(async (db, hold) => await parkTurn(db, hold, { turn, reason, isWhole }));
    this.#logger[level]({ turn_id: turn.id, ...(why === 'crash' ? { err: error } : {}) }, text);
  }

  async #release(): Promise<Input> {
    const { queue, bus } = this.#services;
    const { leaving } = this.#parts.state();
    const busy = { no: 'keep', room: 'line up', drain: 'give back', hurry: 'give back' } as const;
    const release = { job: this.#parts.job(), queue, busy: busy[leaving] };
    const result = await this.#held.persist(
      async (db, hold) => await releaseSession(db, { hold, ...release }),
    );
    if (result === 'queue') bus.publish([{ type: 'work' }]);
    return { type: 'released', to: result };
  }

  #log(message: AgentMessage): void {
    const turnId = this.#turn?.turn.id ?? null;
    this.#deltas.observe(message, turnId);
    this.#messages.append(translate(message, turnId, new Date()));
    const { agent } = this.#seat;
    agent?.process.holdFor(this.#messages.stored);
    if (agent?.openCalls.observe(message)) this.#parts.onCalls();
  }

  /** Shows the permission mode that the agent is in; null says nothing of it. */
  async noteMode(mode: string | null): Promise<void> {
    if (mode === null || mode === this.#mode) return;
    this.#mode = mode;
    await this.#held.persist(async (db, hold) => await recordMode(db, hold, mode));
  }

  /** What the turn cost until now can be seen while it waits. */
  async recordSpending(): Promise<void> {
    const { id } = this.#turn?.turn ?? {};
    if (id === undefined) return;
    await this.#held.waitFor(this.#services.gateway.settled(this.#held.id));
    await this.#held.persist(async (db, hold) => await recordSpending(db, hold, id));
  }
}
