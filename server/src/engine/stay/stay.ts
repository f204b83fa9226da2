import { setImmediate as immediate } from 'node:timers/promises';
import { inTransaction } from '../../ground/db/transaction.ts';
import type { Logger } from '../../ground/log.ts';
import type { ActivationJob } from '../../ground/queue/queue.ts';
import { StaleFenceError } from '../../session/event/event-log.ts';
import { AgentCrashedError, type AgentMessage } from '../agent/agent-process.ts';
import type { CallOfTool } from '../agent/permissions.ts';
import {
  type Claim,
  claimSession,
  type HeldState,
  LostClaimError,
  readHeld,
  recordFailure,
} from '../hold/claim.ts';
import { HeldSession, StoppedError } from '../hold/held-session.ts';
import { noteCall } from '../hold/let-through.ts';
import { withBegunOptions } from '../hold/turns.ts';
import { AgentGoneError, Seat } from '../seat/seat.ts';
import type { SeatedAgent } from '../seat/seated-agent.ts';
import { makeWorkspace } from '../seat/session-directories.ts';
import type { WorkerServices } from '../services.ts';
import { Deeds } from './deeds.ts';
import { HeldRequests } from './held-requests.ts';
import { Mailbox } from './mailbox.ts';
import { MessageLog } from './message-log.ts';
import { type Input, initialState, type Leaving, type Stay as Place, step } from './step.ts';
import { wordOf } from './word.ts';

export type HeldView = { fence: number; turnId: string | null };

type StayParts = {
  onChange: () => void;
  /** Whether the session is to make room for another one now. */
  owesSlot: (stay: Stay) => boolean;
};

/**
 * A session's stay on this worker, from claim to release. It owns the session's agent process.
 *
 * One mailbox: whatever happens comes in there, and one letter is dealt with after the other, database and all. What
 * happens next is said by `step` (step.ts) and carried out by `Deeds` (deeds.ts). Only what must not wait goes past the mailbox: the end of a
 * process, and the loss of the session.
 */
export class Stay {
  readonly sessionId: string;
  readonly #services: WorkerServices;
  readonly #logger: Logger;
  readonly #held: HeldSession;
  readonly #messages: MessageLog;
  readonly #seat: Seat;
  readonly #deeds: Deeds;
  readonly #mailbox = new Mailbox();
  readonly #onChange: () => void;
  readonly #requests: HeldRequests;
  #tenantId: string | null = null;
  #job: ActivationJob;
  #state = initialState;
  /** Known before the letter that says so is read: nothing begins any more. */
  #leaving: Leaving = 'no';
  #idleSince = 0;
  #isDeleted = false;
  #isOver = false;
  /** Of what was granted when it was looked at last. */
  #grantsHash: string | null = null;

  constructor(services: WorkerServices, job: ActivationJob, { onChange, owesSlot }: StayParts) {
    this.#services = services;
    this.#job = job;
    this.#onChange = onChange;
    this.sessionId = job.sessionId;
    this.#held = new HeldSession(job.sessionId, services);
    this.#logger = services.logger.child({ session_id: job.sessionId });
    this.#messages = new MessageLog(this.#held, services.eventLog, (error) => this.#fail(error));
    this.#requests = new HeldRequests({
      state: () => this.#state.stay,
      leaving: () => this.#leaving,
      owesSlot: () => owesSlot(this),
      caughtUp: async () => await this.#caughtUp(),
      openCalls: () => this.#seat.agent?.openCalls.size ?? 0,
      tell: (input) => this.#mailbox.tell(input),
    });
    this.#seat = new Seat({
      services,
      held: this.#held,
      logger: this.#logger,
      asker: () => ({
        turnId: this.#deeds.turn?.turn.id ?? null,
        options: this.#deeds.turn?.session.options ?? {},
        stored: this.#messages.stored,
      }),
      caughtUp: async () => await this.#caughtUp(),
      beforeRequest: (signal) => this.#requests.before(signal),
      beforeCall: async (call) => await this.#noteCall(call),
      beforeAsking: async () => await this.#deeds.recordSpending(),
      onWaiting: () => this.#reviewWaiting(),
      onEnding: (error) => void this.#mailbox.post({ type: 'failed', error }),
      onSaid: (agent, message, taken) => this.#hear(agent, message, taken),
      onGone: async (agent, error) => {
        const isLasting = error instanceof AgentCrashedError && error.isLasting;
        await this.#mailbox.post({ type: 'gone', error, isLasting }, agent);
      },
      onWarning: (warning, turnId) => this.#warn(warning, turnId),
      onMode: async (mode) => await this.#deeds.noteMode(mode),
    });
    this.#deeds = new Deeds({
      services,
      held: this.#held,
      logger: this.#logger,
      messages: this.#messages,
      seat: this.#seat,
      job: () => this.#job,
      state: () => this.#state,
      tell: (input) => this.#mailbox.tell(input),
      onCalls: () => this.#reviewWaiting(),
      forward: () => this.#requests.forward(),
    });
  }

  /** Its slot is not free before it has `ended`, with whatever it began. */
  get at(): Place['at'] {
    const { at } = this.#state.stay;
    return at === 'ended' && !this.#isOver ? 'releasing' : at;
  }
  get job(): ActivationJob {
    return this.#job;
  }
  get idleSince(): number {
    return this.#idleSince;
  }
  /** Taken before the database is asked: what begins meanwhile is not in its answer. */
  get view(): HeldView {
    return { fence: this.#held.fence, turnId: this.#deeds.turn?.turn.id ?? null };
  }

  /** Runs until the slot is free again. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#take(await this.#claim());
      if (this.#state.stay.at !== 'ended') await this.#readMailbox();
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
      this.#mailbox.close();
      this.#deeds.close();
      await this.#seat
        .end('kill')
        .catch((error) => this.#logger.error({ err: error }, 'could not end the agent process'));
      // Whoever removes the session's directories waits for the end of this.
      await this.#deeds.kept;
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
      this.#held.publish(await this.#held.waitFor(recordFailure(db, { job: this.#job, queue })));
    } catch (cause) {
      this.#logger.error({ err: cause }, 'could not note that the stay failed');
    }
  }

  async #readMailbox(): Promise<void> {
    for await (const { input, of, taken } of this.#mailbox) {
      try {
        if (input?.type === 'gone' && of !== null) this.#leaveSeat(of);
        this.#held.throwIfFailed();
        if (input !== null) await this.#take(this.#asFound(input));
      } finally {
        taken();
      }
      if (this.#state.stay.at === 'ended') return;
    }
  }

  #leaveSeat(agent: SeatedAgent): void {
    this.#seat.leave(agent);
    this.#deeds.forgetDrafts();
  }

  /** A process may have ended between its start and the letter that tells of it. */
  #asFound(input: Input): Input {
    if (input.type !== 'seated' || this.#seat.agent !== null) return input;
    return { type: 'unseated', error: new AgentGoneError(), isLasting: false };
  }

  async #take(input: Input): Promise<void> {
    const before = this.at;
    const { state, effects } = step({ ...this.#state, leaving: this.#leaving }, input);
    this.#state = state;
    if (this.#leaving === 'no') this.#leaving = state.leaving;
    if (this.at !== before) {
      if (this.at === 'idle') this.#idleSince = performance.now();
      this.#onChange();
    }
    for (const effect of effects) {
      const next = await this.#deeds.do(effect);
      if (next !== undefined) await this.#take(next);
    }
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
      await this.#held.waitFor(inTransaction(db, async (trx) => await queue.complete(trx, this.#job)));
      return { type: 'unclaimed' };
    }
    this.#held.fence = claim.session.fence;
    this.#grantsHash = claim.grantsHash;
    this.#deeds.takeOver(claim);
    this.#tenantId = claim.session.tenant_id;
    this.#held.publish(claim.events);
    return { type: 'claimed' };
  }

  // --- the agent

  /** Throws where the agent says what no agent program does: its process is ended. */
  #hear(agent: SeatedAgent, message: AgentMessage, taken: () => void): void {
    const input: Input = { type: 'said', word: wordOf(message), message };
    agent.lastMessageAt = this.#services.clock.now();
    this.#mailbox.put({ input, of: agent, taken });
  }

  /** Somebody began to wait for a person, or no longer does. */
  #reviewWaiting(): void {
    const { agent } = this.#seat;
    if (agent === null) return;
    const calls = agent.openCalls.size;
    void this.#mailbox.post(
      { type: 'waiting', any: agent.desk.isWaiting, only: agent.onlyWaits, calls },
      agent,
    );
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
    await this.#mailbox.post(null);
  }

  /** It goes back to the queue as soon as it can. */
  get makesRoom(): boolean {
    return this.#leaving === 'room';
  }

  /** Where the turn is to go on when this server dies, it is known before a tool runs that it may have. */
  async #noteCall({ toolUseId, toolName, input }: CallOfTool): Promise<void> {
    await this.#caughtUp();
    const turnId = this.#deeds.turn?.turn.id;
    if (turnId === undefined) return;
    await this.#held.persist(
      async (db, hold) => await noteCall(db, hold, { turnId, toolUseId, toolName, input }),
    );
  }

  // --- what others ask of it

  /** A turn was queued for the session. */
  noticeInput(): void {
    this.#mailbox.tell({ type: 'queued' });
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
    const { turn } = this.#deeds;
    if (turn !== null) turn.session = withBegunOptions(session, turn.session.options);
    await this.#seat.takeOptions(session);
  }

  async stopTask(taskId: string): Promise<void> {
    await this.#seat.agent?.process.stopTask(taskId);
  }

  /** Null until the session is claimed. */
  get tenantId(): string | null {
    return this.#tenantId;
  }

  /** Leaves the idle state, and parks a turn that only waits; one that works is not disturbed. */
  evict(): void {
    this.#mailbox.tell({ type: 'evict' });
  }

  /** No new turn begins; an idle session is released at once. */
  drain(): void {
    if (this.#leaving !== 'hurry') this.#leaving = 'drain';
    this.#mailbox.tell({ type: 'leave', how: 'drain' });
  }

  /** Stops the turn, which has been cancelled. */
  cancelTurn(turnId: string): void {
    this.#mailbox.tell({ type: 'stop', turnId });
  }

  /** Kills the agent process; a running turn goes on elsewhere, or ends as interrupted, as its session says. */
  async stopNow(): Promise<void> {
    this.#leaving = 'hurry';
    this.#mailbox.tell({ type: 'leave', how: 'hurry' });
    // The mailbox may wait for the database.
    await this.#seat.end(this.#parksNow ? 'park' : 'kill');
  }

  /** Whether what its process notes of its end must not become part of the conversation: the turn goes on. */
  get #parksNow(): boolean {
    const { stay } = this.#state;
    if (stay.at === 'starting' || stay.at === 'working') return stay.turn.goesOn && stay.failure === null;
    return stay.at === 'asking' || stay.at === 'parking';
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
    void this.#mailbox.post(null);
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
