import { setImmediate as immediate } from 'node:timers/promises';
import type { AgentMessage } from '../agent/agent-process.ts';
import type { CallOfTool } from '../agent/permissions.ts';
import { inTransaction } from '../db/transaction.ts';
import { StaleFenceError } from '../event/event-log.ts';
import { newTurnId } from '../ids.ts';
import type { Logger } from '../log.ts';
import type { ActivationJob } from '../queue/queue.ts';
import { optionDefaults } from '../session/option-fields.ts';
import { messageIdOf } from '../turn/store.ts';
import type { TurnError, TurnOutcome } from '../turn/turn.ts';
import { PushQueue } from '../util/push-queue.ts';
import {
  type Claim,
  claimSession,
  type HeldState,
  LostClaimError,
  readHeld,
  recordFailure,
  releaseSession,
} from './claim.ts';
import { DeltaPublisher } from './deltas.ts';
import { FileKeeper } from './file-keeper.ts';
import { HeldSession } from './held-session.ts';
import { noteCall } from './let-through.ts';
import { MessageLog } from './message-log.ts';
import { crashOutcome, outcomeOf, outcomeWithoutResult } from './outcome.ts';
import { Seat } from './seat.ts';
import type { SeatedAgent } from './seated-agent.ts';
import type { WorkerServices } from './services.ts';
import { makeWorkspace } from './session-directories.ts';
import {
  type Effect,
  type Input,
  initialState,
  type Stay as Place,
  step,
  type TimerName,
  type Turn,
  type TurnEnd,
} from './step.ts';
import { translate } from './translate.ts';
import { TurnWatch } from './turn-watch.ts';
import {
  type BegunTurn,
  beginTurn,
  finishTurn,
  handOver,
  parkTurn,
  putBack,
  recordSpending,
  renewMessage,
  showTasks,
  wakeTurn,
} from './turns.ts';
import { wordOf } from './word.ts';

const INTERRUPT_GRACE_MS = 800;
/** An idle agent whose background tasks go on is kept this long. */
const BACKGROUND_TTL_MS = 3_600_000;

/** The server stopped before the database took what was to be written of the session. */
class StoppedError extends Error {
  constructor(sessionId: string) {
    super(
      `the server stops without having written the end of session ${sessionId}'s turn: the next start does`,
    );
    this.name = 'StoppedError';
  }
}

export type HeldView = { fence: number; turnId: string | null };

type SilentEffect = Exclude<Effect, { do: 'choose' | 'wake' | 'give_again' | 'hand_over' | 'release' }>;

/** An input, and who is to know when all that it caused is done. */
type Letter = { input: Input | null; of: SeatedAgent | null; taken: () => void };

/** The turn that runs here, with what belongs to it. */
type LiveTurn = BegunTurn & {
  watch: TurnWatch;
  /** Messages that are part of it and that its agent has, or has read. */
  given: Set<string>;
};

/**
 * A session's stay on this worker, from claim to release. It owns the session's agent process.
 *
 * One mailbox: whatever happens comes in there, and one letter is dealt with after the other, database and all. What
 * happens next is said by `step`; here it is carried out. Only what must not wait goes past the mailbox: the end of a
 * process, and the loss of the session.
 */
export class Stay {
  readonly sessionId: string;
  readonly #services: WorkerServices;
  readonly #logger: Logger;
  readonly #held: HeldSession;
  readonly #messages: MessageLog;
  readonly #files: FileKeeper;
  readonly #seat: Seat;
  readonly #deltas: DeltaPublisher;
  readonly #mailbox = new PushQueue<Letter>();
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  readonly #onChange: () => void;
  #job: ActivationJob;
  #state = initialState;
  #turn: LiveTurn | null = null;
  /** Begun by an earlier process, and to be gone on with. */
  #keptTurnId: string | null = null;
  #idleSince = 0;
  #isDeleted = false;
  #isClosed = false;
  #isOver = false;
  /** Of what was granted when it was looked at last. */
  #grantsHash: string | null = null;

  constructor(services: WorkerServices, job: ActivationJob, onChange: () => void) {
    this.#services = services;
    this.#job = job;
    this.#onChange = onChange;
    this.sessionId = job.sessionId;
    this.#held = new HeldSession(job.sessionId, services);
    this.#files = new FileKeeper(services.workspaces);
    this.#logger = services.logger.child({ session_id: job.sessionId });
    this.#messages = new MessageLog(this.#held, services.eventLog, (error) => this.#fail(error));
    this.#deltas = new DeltaPublisher(job.sessionId, (pieces) => services.bus.publish(pieces));
    this.#seat = new Seat({
      services,
      held: this.#held,
      logger: this.#logger,
      asker: () => ({
        turnId: this.#turn?.turn.id ?? null,
        options: this.#turn?.session.options ?? {},
        stored: this.#messages.stored,
      }),
      caughtUp: async () => await this.#caughtUp(),
      beforeCall: async (call) => await this.#noteCall(call),
      beforeAsking: async () => await this.#recordSpending(),
      onWaiting: () => this.#reviewWaiting(),
      onEnding: (error) => void this.#post({ type: 'failed', error }),
      onSaid: (agent, message, taken) => this.#hear(agent, message, taken),
      onGone: async (agent, error) => await this.#post({ type: 'gone', error }, agent),
      onWarning: (warning, turnId) => this.#warn(warning, turnId),
    });
  }

  /** Its slot is not free before it has `ended`, with whatever it began. */
  get at(): Place['at'] {
    const { at } = this.#state.stay;
    return at === 'ended' && !this.#isOver ? 'releasing' : at;
  }
  get #hasEnded(): boolean {
    return this.#state.stay.at === 'ended';
  }
  get job(): ActivationJob {
    return this.#job;
  }
  get idleSince(): number {
    return this.#idleSince;
  }
  /** Taken before the database is asked: what begins meanwhile is not in its answer. */
  get view(): HeldView {
    return { fence: this.#held.fence, turnId: this.#turn?.turn.id ?? null };
  }

  /** Runs until the slot is free again. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#take(await this.#claim());
      if (!this.#hasEnded) await this.#readMailbox();
    } catch (error) {
      if (error instanceof StaleFenceError)
        this.#logger[this.#isDeleted ? 'debug' : 'warn'](
          { fence: this.#held.fence },
          'lost the session: it was deleted, or is active elsewhere',
        );
      else if (error instanceof LostClaimError || error instanceof StoppedError)
        this.#logger.warn(error.message);
      else await this.#noteFailure(error);
    } finally {
      this.#close();
      await this.#seat
        .end('kill')
        .catch((error) => this.#logger.error({ err: error }, 'could not end the agent process'));
      // Whoever removes the session's directories waits for the end of this.
      await this.#files.kept;
      this.#state = { ...this.#state, stay: { at: 'ended' } };
      this.#isOver = true;
      this.#onChange();
    }
  }

  /** Something that nobody expected. Its job is tried again, but not for ever. */
  async #noteFailure(error: unknown): Promise<void> {
    this.#logger.error({ err: error }, 'the stay failed; its job will be tried again');
    try {
      const { db, queue } = this.#services;
      this.#held.publish(await recordFailure(db, { job: this.#job, queue }));
    } catch (cause) {
      this.#logger.error({ err: cause }, 'could not note that the stay failed');
    }
  }

  async #readMailbox(): Promise<void> {
    for await (const { input, of, taken } of this.#mailbox) {
      this.#held.throwIfFailed();
      if (input?.type === 'gone' && of !== null) this.#leaveSeat(of);
      if (input !== null) await this.#take(this.#asFound(input));
      taken();
      if (this.#hasEnded) return;
    }
  }

  #leaveSeat(agent: SeatedAgent): void {
    this.#seat.leave(agent);
    this.#deltas[Symbol.dispose]();
  }

  /** A process may have ended between its start and the letter that tells of it. */
  #asFound(input: Input): Input {
    if (input.type !== 'seated' || this.#seat.agent !== null) return input;
    return { type: 'unseated', error: new Error('the agent process ended before its turn began') };
  }

  /** Nobody reads letters any more. */
  #close(): void {
    this.#isClosed = true;
    this.#mailbox.end();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#turn?.watch.pause();
    this.#deltas[Symbol.dispose]();
    void (async () => {
      for await (const { taken } of this.#mailbox) taken();
    })();
  }

  /** Resolves when it was dealt with. */
  async #post(input: Input | null, of: SeatedAgent | null = null): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#mailbox.push({ input, of, taken: resolve });
    await promise;
  }

  #tell(input: Input): void {
    void this.#post(input);
  }

  async #take(input: Input): Promise<void> {
    const before = this.at;
    const { state, effects } = step(this.#state, input);
    this.#state = state;
    if (this.at !== before) {
      if (this.at === 'idle') this.#idleSince = performance.now();
      this.#onChange();
    }
    for (const effect of effects) {
      const next = await this.#do(effect);
      if (next !== undefined) await this.#take(next);
    }
  }

  // --- what `step` says

  async #do(effect: Effect): Promise<Input | undefined> {
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
        return await this.#putBack(effect.messageId);
      case 'log':
        return this.#log(effect.message);
      case 'show_tasks':
        return await this.#held.record(async (db, hold) => await showTasks(db, hold, effect.awaits));
      case 'watch':
        return effect.runs ? this.#turn?.watch.run() : this.#turn?.watch.pause();
      case 'set_timer':
        return this.#setTimer(effect.name);
      case 'clear_timer':
        return clearTimeout(this.#timers.get(effect.name));
      case 'interrupt':
        return this.#interrupt(effect.agents);
      case 'end_agent':
        return this.#endAgent(effect.how);
      case 'finish':
        return await this.#finish(effect.end, effect.failure);
      case 'park':
        return await this.#park();
      default:
        return effect satisfies never;
    }
  }

  get #running(): LiveTurn {
    if (this.#turn === null) throw new Error('no turn runs');
    return this.#turn;
  }

  async #claim(): Promise<Input> {
    const { db, queue, workerId, dataDir, driver } = this.#services;
    const claim = await this.#held.persist<Claim | null>(
      async (db) =>
        await claimSession(db, {
          job: this.#job,
          workerId,
          queue,
          isolation: driver.name,
          // By the claim the session has begun: files may be put into it at once.
          onFound: async () => await makeWorkspace(dataDir, this.sessionId),
        }),
    );
    if (claim === null) {
      await inTransaction(db, async (trx) => await queue.complete(trx, this.#job));
      return { type: 'unclaimed' };
    }
    this.#held.fence = claim.session.fence;
    this.#grantsHash = claim.grantsHash;
    this.#keptTurnId = claim.keptTurnId;
    this.#held.publish(claim.events);
    return { type: 'claimed' };
  }

  async #choose(): Promise<Input> {
    while (true) {
      const begun = await this.#held.persist(async (db, hold) => await beginTurn(db, hold, this.#keptTurnId));
      if (begun === null) return { type: 'nothing' };
      if ('refused' in begun) this.#held.publish(begun.refused);
      else {
        const hasPrompt = begun.continuation === null || begun.note !== null;
        const promptId = hasPrompt ? messageIdOf(begun.turn) : null;
        return { type: 'chosen', turn: this.#begin(begun, promptId) };
      }
    }
  }

  #begin(begun: BegunTurn, promptId: string | null): Turn {
    const { turn, session, continuation } = begun;
    const { timeout_s } = session.options;
    const watch = new TurnWatch(
      {
        stallMs: this.#services.stallTimeout,
        deadlineMs: timeout_s === undefined ? null : timeout_s * 1000,
      },
      () => this.#seat.agent?.lastHeardAt ?? 0,
      (error) => this.#tell({ type: 'expired', error }),
    );
    this.#turn = { ...begun, watch, given: new Set(begun.read) };
    this.#held.publish(begun.events);
    this.#logger.info(
      { turn_id: turn.id, turn: turn.number, warm: this.#seat.agent !== null, continuation },
      'turn started',
    );
    return { id: turn.id, promptId };
  }

  #beginToSeat(): void {
    const live = this.#running;
    if (live.continuation === null) this.#files.beforeTurn(live.session, live.turn.id);
    this.#seat
      .ensure(live, () => this.#isStoppedStart())
      .then(async () => await this.#files.kept)
      .then(
        () => this.#tell({ type: 'seated' }),
        (error) => this.#tell({ type: 'unseated', error }),
      );
  }

  #isStoppedStart(): boolean {
    const { stay } = this.#state;
    return stay.at === 'starting' && stay.isStopped;
  }

  #givePrompt(): void {
    const { turn, note } = this.#running;
    this.#give(note === null ? turn : { ...turn, prompt: note, content: null });
  }

  #give(turn: BegunTurn['turn']): void {
    this.#seat.agent?.process.send(messageIdOf(turn), turn.content ?? turn.prompt);
  }

  async #giveAgain(): Promise<Input> {
    const { turn } = this.#running;
    const renewed = await this.#held.persist(async (db, hold) => await renewMessage(db, hold, turn.id));
    this.#running.turn = { ...turn, message_id: renewed };
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
      given.add(message.id);
      this.#give(message);
    }
    const ids = handed.messages.map(messageIdOf);
    return ids.length === 0 ? undefined : { type: 'handed', ids };
  }

  async #putBack(messageId: string): Promise<void> {
    await this.#held.record(async (db, hold) => await putBack(db, hold, messageId));
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
    if (this.at === 'stopping' && how === 'kill' && this.#state.leaving !== 'hurry')
      this.#logger.warn({ turn_id: this.view.turnId }, 'the agent ignored the interrupt; killing it');
    this.#handOff(this.#seat.end(how));
  }

  async #finish(end: TurnEnd, failure: TurnError | null): Promise<void> {
    const { turn, session } = this.#running;
    // What it said last belongs before the end of its turn.
    await this.#messages.stored;
    this.#held.throwIfFailed();
    const found = this.#outcomeOf(end);
    const outcome: TurnOutcome = failure === null ? found : { ...found, state: 'error', error: failure };
    this.#turn = null;
    this.#keptTurnId = null;
    // What it asked of the model last is counted to it.
    await this.#held.waitFor(this.#services.gateway.settled(this.sessionId));
    const isCut = this.#seat.agent === null;
    await this.#held.record(async (db, hold) => await finishTurn(db, hold, { turn, outcome, isCut }));
    const error = outcome.state === 'error' ? outcome.error.code : undefined;
    this.#logger.info({ turn_id: turn.id, state: outcome.state, error }, 'turn ended');
    this.#files.afterTurn(session);
  }

  #outcomeOf(end: TurnEnd): TurnOutcome {
    const isLeaving = this.#state.leaving === 'hurry';
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

  async #park(): Promise<void> {
    const { turn } = this.#running;
    await this.#messages.stored;
    this.#turn = null;
    this.#keptTurnId = turn.id;
    await this.#held.record(async (db, hold) => await parkTurn(db, hold, turn));
    this.#logger.info({ turn_id: turn.id }, 'parked the turn until somebody has answered');
  }

  async #release(): Promise<Input> {
    const { queue, bus } = this.#services;
    const force = this.#state.leaving !== 'no';
    const result = await this.#held.persist(
      async (db, hold) => await releaseSession(db, { hold, job: this.#job, queue, force }),
    );
    if (result === 'queue') bus.publish([{ type: 'work' }]);
    return { type: 'released', to: result };
  }

  #setTimer(name: TimerName): void {
    clearTimeout(this.#timers.get(name));
    const timer = setTimeout(() => this.#tell({ type: 'timer', name }), this.#durationOf(name));
    this.#timers.set(name, timer.unref());
  }

  #durationOf(name: TimerName): number {
    const { stay } = this.#state;
    switch (name) {
      case 'interrupt':
        return INTERRUPT_GRACE_MS;
      case 'idle': {
        const hasTasks = stay.at === 'idle' && stay.agent.agents.length + stay.agent.others > 0;
        return hasTasks ? BACKGROUND_TTL_MS : this.#services.idleTtl;
      }
      case 'park':
        return (this.#running.session.options.park_after_s ?? optionDefaults.park_after_s) * 1000;
      default:
        return name satisfies never;
    }
  }

  // --- the agent

  /** Throws where the agent says what no agent program does: its process is ended. */
  #hear(agent: SeatedAgent, message: AgentMessage, taken: () => void): void {
    const input: Input = { type: 'said', word: wordOf(message), message };
    agent.lastMessageAt = performance.now();
    if (this.#isClosed) taken();
    else this.#mailbox.push({ input, of: agent, taken });
  }

  #log(message: AgentMessage): void {
    const turnId = this.#turn?.turn.id ?? null;
    this.#deltas.observe(message, turnId);
    this.#messages.append(translate(message, turnId, new Date()));
    const { agent } = this.#seat;
    agent?.process.holdFor(this.#messages.stored);
    if (agent?.openCalls.observe(message)) this.#reviewWaiting();
  }

  /** Somebody began to wait for a person, or no longer does. */
  #reviewWaiting(): void {
    const { agent } = this.#seat;
    if (agent === null) return;
    void this.#post({ type: 'waiting', any: agent.desk.isWaiting, only: agent.onlyWaits }, agent);
  }

  /** The user sees it beside what the agent says. */
  #warn(warning: string, turnId: string): void {
    this.#logger.warn({ turn_id: turnId }, warning);
    const data = { status: 'running' as const, waiting_for: null, warning };
    this.#messages.append([{ kind: 'session', data, turnId, at: new Date() }]);
  }

  /** Resolves when all that the agent has said until now is dealt with: its questions come by another way. */
  async #caughtUp(): Promise<void> {
    // The SDK hands on by promises what it has read before a question.
    await immediate();
    await this.#post(null);
  }

  /** Where the turn is to go on when this server dies, it is known before a tool runs that it may have. */
  async #noteCall({ toolUseId, toolName, input }: CallOfTool): Promise<void> {
    await this.#caughtUp();
    const turnId = this.#turn?.turn.id;
    if (turnId === undefined) return;
    await this.#held.persist(
      async (db, hold) => await noteCall(db, hold, { turnId, toolUseId, toolName, input }),
    );
  }

  /** What the turn cost until now can be seen while it waits. */
  async #recordSpending(): Promise<void> {
    const { id } = this.#turn?.turn ?? {};
    if (id === undefined) return;
    await this.#held.waitFor(this.#services.gateway.settled(this.sessionId));
    await this.#held.persist(async (db, hold) => await recordSpending(db, hold, id));
  }

  // --- what others ask of it

  /** A turn was queued for the session. */
  noticeInput(): void {
    this.#tell({ type: 'queued' });
  }

  /** An approval was decided. */
  noticeAnswer(): void {
    this.#handOff(this.#seat.agent?.desk.notice());
  }

  /** The session's options changed. */
  noticeOptions(): void {
    this.#handOff(this.#takeOptions());
  }

  async #takeOptions(): Promise<void> {
    const session = await this.#held.persist(readHeld);
    if (this.#turn !== null) this.#turn.session = session;
    await this.#seat.takeOptions(session);
  }

  async stopTask(taskId: string): Promise<void> {
    await this.#seat.agent?.process.stopTask(taskId);
  }

  /** Leaves the idle state, and parks a turn that only waits; one that works is not disturbed. */
  evict(): void {
    this.#tell({ type: 'evict' });
  }

  /** No new turn begins; an idle session is released at once. */
  drain(): void {
    this.#tell({ type: 'leave', how: 'drain' });
  }

  /** Stops the turn, which has been cancelled. */
  cancelTurn(turnId: string): void {
    this.#tell({ type: 'stop', turnId });
  }

  /** Kills the agent process; a running turn ends as interrupted, and so does one that is about to begin. */
  async stopNow(): Promise<void> {
    this.#tell({ type: 'leave', how: 'hurry' });
    // The mailbox may wait for the database.
    await this.#seat.end(this.at === 'asking' || this.at === 'parking' ? 'park' : 'kill');
  }

  /** The server stops, and has waited long enough for what is still to be written: the next start writes it. */
  giveUp(): void {
    this.#fail(new StoppedError(this.sessionId));
  }

  /** The session was deleted, or belongs to another worker now. */
  async abandon({ isDeleted = false } = {}): Promise<void> {
    this.#isDeleted = isDeleted;
    this.#fail(new StaleFenceError(this.sessionId));
    await this.#seat.end('kill');
  }

  /** Nothing more can be written: the session is somebody else's, or the database refused. */
  #fail(error: unknown): void {
    this.#held.failed.abort(error);
    void this.#post(null);
  }

  /**
   * The same worker got the job again, since a heartbeat came too late (a suspended machine, say): it goes on.
   *
   * @returns false when this stay is at its end, or the job is another one: that of the session's next stay
   */
  adopt(job: ActivationJob): boolean {
    if (this.#held.failed.signal.aborted || job.attempt.id !== this.#job.attempt.id) return false;
    this.#job = job;
    return true;
  }

  /** Compares with how things stand in the database: what a lost signal would have said. */
  async check(before: HeldView, held: HeldState): Promise<void> {
    const { fence, turnId } = before;
    if (held.fence !== fence) await this.abandon();
    else if (turnId !== null && held.running_turn_id !== turnId) this.cancelTurn(turnId);
    else if (held.has_input) this.noticeInput();
    if (held.has_answer) this.noticeAnswer();
    if (held.grants_hash !== this.#grantsHash) this.#noticeGrants(held.grants_hash);
  }

  /** Something was granted, or was and no longer is. */
  #noticeGrants(hash: string): void {
    this.#grantsHash = hash;
    this.#handOff(this.#seat.takeGrants());
  }

  #handOff(work: Promise<void> | undefined): void {
    work?.catch((error) => {
      if (!this.#held.failed.signal.aborted) this.#logger.error({ err: error }, 'could not act on a signal');
    });
  }
}
