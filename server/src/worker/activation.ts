import { setTimeout as delay } from 'node:timers/promises';
import { inTransaction } from '../db/transaction.ts';
import { StaleFenceError } from '../event/event-log.ts';
import type { Logger } from '../log.ts';
import type { ActivationJob } from '../queue/queue.ts';
import { optionDefaults } from '../session/option-fields.ts';
import type { TurnOutcome } from '../turn/turn.ts';
import { AgentSeat } from './agent-seat.ts';
import { FileKeeper } from './file-keeper.ts';
import { HeldSession } from './held-session.ts';
import { LiveTurn } from './live-turn.ts';
import { crashOutcome, outcomeOf, outcomeWithoutResult } from './outcome.ts';
import type { WorkerServices } from './services.ts';
import { makeWorkspace } from './session-directories.ts';
import { giveSteering } from './steering.ts';
import {
  type BegunTurn,
  beginTurn,
  claimSession,
  finishTurn,
  type HeldState,
  LostClaimError,
  parkTurn,
  readHeld,
  releaseSession,
} from './store.ts';

export type ActivationState = 'claiming' | 'running' | 'waiting' | 'idle' | 'releasing' | 'ended';

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

/**
 * A session's stay on this worker, from claim to release. It owns the session's agent process.
 *
 * - claiming: raises the fence; the turn of a crashed predecessor ends, or is kept. Left at once.
 * - running: one turn after the other; an agent process is started for the first, and kept.
 * - waiting: all that the turn does is wait for a person. Left for running by the answer; by time, eviction or drain
 *   the turn is parked: the process ends, and with no other turn to run the session is released.
 * - idle: no turn waits. Left by new input, or for `releasing` by the idle time's end, eviction, drain or deletion.
 * - releasing: the process ends, then the job completes, unless input arrived: then back to running.
 * - ended: the slot is free. Reached from anywhere when the fence turns out stale: the process is killed and nothing
 *   more is written.
 */
export class Activation {
  readonly sessionId: string;
  readonly #services: WorkerServices;
  readonly #logger: Logger;
  readonly #held: HeldSession;
  readonly #seat: AgentSeat;
  readonly #files: FileKeeper;
  #job: ActivationJob;
  #state: ActivationState = 'claiming';
  #idleSince = 0;
  #turn: LiveTurn | null = null;
  /** Begun by an earlier process, and to be gone on with. */
  #keptTurnId: string | null = null;
  #wake = Promise.withResolvers<void>();
  #parking: NodeJS.Timeout | undefined;
  #mustRelease = false;
  #isDraining = false;
  #isStopping = false;
  #isDeleted = false;
  /** They changed while an agent was being started with what was there before. */
  #hasMissedOptions = false;
  /** Of what was granted when it was looked at last. */
  #grantsHash: string | null = null;
  #onStateChange: () => void;

  constructor(services: WorkerServices, job: ActivationJob, onStateChange: () => void) {
    this.#services = services;
    this.#job = job;
    this.sessionId = job.sessionId;
    this.#held = new HeldSession(job.sessionId, services);
    this.#files = new FileKeeper(services.workspaces);
    this.#logger = services.logger.child({ session_id: job.sessionId });
    this.#seat = new AgentSeat({
      services,
      held: this.#held,
      logger: this.#logger,
      turn: () => this.#turn,
      onWake: () => this.#wake.resolve(),
      onWaiting: () => this.#reviewWaiting(),
      onFailure: (error) => this.#fail(error),
    });
    this.#onStateChange = onStateChange;
  }

  get state(): ActivationState {
    return this.#state;
  }
  get job(): ActivationJob {
    return this.#job;
  }
  get idleSince(): number {
    return this.#idleSince;
  }
  /** Taken before the database is asked: what begins meanwhile is not in its answer. */
  get view(): HeldView {
    return { fence: this.#held.fence, turnId: this.#turn?.id ?? null };
  }

  /** Runs until the slot is free again. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#claimAndServe();
    } catch (error) {
      if (error instanceof StaleFenceError)
        this.#logger[this.#isDeleted ? 'debug' : 'warn'](
          { fence: this.#held.fence },
          'lost the session: it was deleted, or is active elsewhere',
        );
      else if (error instanceof LostClaimError || error instanceof StoppedError)
        this.#logger.warn(error.message);
      else this.#logger.error({ err: error }, 'the activation failed; its job will be tried again');
    } finally {
      await this.#seat
        .end('kill')
        .catch((error) => this.#logger.error({ err: error }, 'could not end the agent process'));
      // Whoever removes the session's directories waits for the end of this.
      await this.#files.kept;
      this.#setState('ended');
    }
  }

  async #claimAndServe(): Promise<void> {
    const { db, queue, workerId, dataDir, driver } = this.#services;
    const claim = await this.#held.persist(
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
      return;
    }
    this.#held.fence = claim.session.fence;
    this.#grantsHash = claim.grantsHash;
    this.#keptTurnId = claim.keptTurnId;
    this.#held.publish(claim.events);
    while (true) {
      this.#held.throwIfFailed();
      this.#wake = Promise.withResolvers();
      // What the agent has may run already: it is a turn then, also where none is to begin any more.
      const mayBegin = !this.#isDraining || this.#seat.agent?.hasMore === true;
      const begun = mayBegin
        ? await this.#held.persist(async (db, hold) => await beginTurn(db, hold, this.#keptTurnId))
        : null;
      this.#held.throwIfFailed();
      if (begun !== null && 'refused' in begun) this.#held.publish(begun.refused);
      else if (begun !== null) await this.#runTurn(begun);
      else if (!(await this.#waitForInput()) && (await this.#release())) return;
    }
  }

  // --- running

  async #runTurn(begun: BegunTurn): Promise<void> {
    const { turn } = begun;
    this.#held.publish(begun.events);
    const live = new LiveTurn(begun, {
      stallMs: this.#services.stallTimeout,
      lastHeard: () => this.#seat.agent?.lastHeardAt ?? 0,
      onExpire: () => this.#handOff(this.#stopTurn(live)),
    });
    if (this.#isStopping) live.isStopped = true;
    // It may run already: a message that was to steer the turn before.
    if (this.#seat.agent?.has(turn.id)) {
      live.agent = this.#seat.agent;
      live.isGiven = true;
    }
    this.#turn = live;
    this.#seat.goOn();
    this.#setState('running');
    const logger = this.#logger.child({ turn_id: turn.id });
    const { continuation } = begun;
    logger.info({ turn: turn.number, warm: this.#seat.agent !== null, continuation }, 'turn started');
    const outcome = await this.#outcomeOf(live, begun);
    live.watch.pause();
    clearTimeout(this.#parking);
    this.#turn = null;
    if (outcome === null) {
      this.#keptTurnId = turn.id;
      await this.#held.record(async (db, hold) => await parkTurn(db, hold, turn));
      logger.info('parked the turn until somebody has answered');
      return;
    }
    this.#keptTurnId = null;
    const ended = { id: turn.id, number: turn.number, outcome: live.explain(outcome) };
    // What it asked of the model last is counted to it.
    await this.#held.waitFor(this.#services.gateway.settled(this.sessionId));
    await this.#held.record(async (db, hold) => await finishTurn(db, hold, ended));
    const error = ended.outcome.state === 'error' ? ended.outcome.error.code : undefined;
    logger.info({ state: outcome.state, error }, 'turn ended');
    this.#files.afterTurn(begun.session);
  }

  /** Null when the turn was parked. */
  async #outcomeOf(live: LiveTurn, begun: BegunTurn): Promise<TurnOutcome | null> {
    try {
      if (live.isStopped) throw new Error('the turn was stopped before it was given to the agent');
      if (begun.turn.delivery === 'task' && live.agent === null) {
        return outcomeWithoutResult(
          'interrupted',
          'The background task ended together with its agent process.',
        );
      }
      if (begun.continuation === null) this.#files.beforeTurn(begun.session, live.id);
      const agent = await this.#seat.ensure(live, begun);
      if (this.#hasMissedOptions) await this.#takeOptions();
      await this.#files.kept;
      if (live.isStopped && !live.isGiven) {
        throw new Error('the turn was stopped before its agent had it');
      }
      if (begun.continuation === null && !live.isGiven) agent.give(begun.turn);
      live.isGiven = true;
      live.watch.run();
      this.#handOff(giveSteering(this.#held, () => this.#turn));
      const result = await live.ended.promise;
      const { spentBudget } = agent.access;
      return outcomeOf(result, { options: begun.session.options, spentBudget });
    } catch (error) {
      this.#held.throwIfFailed();
      await this.#seat.end(live.isParked ? 'park' : 'kill');
      return live.isParked ? null : crashOutcome(error, this.#isDraining);
    }
  }

  // --- waiting

  /** Somebody began to wait for a person, or no longer does. */
  #reviewWaiting(): void {
    const turn = this.#turn;
    const agent = this.#seat.agent;
    if (turn === null || agent === null || turn.agent !== agent || turn.isParked) return;
    if (agent.desk.isWaiting) turn.watch.pause();
    else turn.watch.run();
    const onlyWaits = agent.desk.holdsAll(agent.openCalls.keys());
    if (onlyWaits === (this.#state === 'waiting')) return;
    clearTimeout(this.#parking);
    this.#setState(onlyWaits ? 'waiting' : 'running');
    if (!onlyWaits) return;
    const seconds = turn.session.options.park_after_s ?? optionDefaults.park_after_s;
    this.#parking = setTimeout(() => this.#park(), seconds * 1000).unref();
    if (this.#isDraining) this.#park();
  }

  /** The turn gives its process up until somebody has answered. */
  #park(): void {
    if (this.#state !== 'waiting' || this.#turn === null) return;
    this.#turn.isParked = true;
    this.#turn.agent?.desk.close();
    this.#turn.ended.reject(new Error('the turn was parked'));
  }

  /** Nothing more can be written: the session is somebody else's, or the database refused. Ends the activation. */
  #fail(error: unknown): void {
    this.#held.failed.abort(error);
    this.#turn?.ended.reject(error);
    this.#seat.goOn();
    this.#wake.resolve();
  }

  // --- idle

  /** @returns false when it is time to release the session */
  async #waitForInput(): Promise<boolean> {
    this.#held.throwIfFailed();
    this.#mustRelease = false;
    // Without a process, or when told to go, there is nothing to wait with.
    if (this.#seat.agent === null || this.#isDraining) return false;
    this.#idleSince = performance.now();
    const ttl = this.#seat.agent.hasTasks ? BACKGROUND_TTL_MS : this.#services.idleTtl;
    const timer = setTimeout(() => this.evict(), ttl);
    this.#seat.goOn();
    this.#setState('idle');
    await this.#wake.promise;
    clearTimeout(timer);
    this.#held.throwIfFailed();
    return !this.#mustRelease;
  }

  // --- releasing

  /** @returns false when input arrived meanwhile: the session goes on */
  async #release(): Promise<boolean> {
    this.#setState('releasing');
    await this.#seat.end('close');
    this.#held.throwIfFailed();
    const { queue } = this.#services;
    const result = await this.#held.persist(
      async (db, hold) => await releaseSession(db, { hold, job: this.#job, queue, force: this.#isDraining }),
    );
    if (result === 'requeued') this.#services.bus.publish([{ type: 'work' }]);
    return result !== 'has_input';
  }

  // --- what others ask of it

  /** A turn was queued for the session. */
  noticeInput(): void {
    this.#wake.resolve();
    this.#handOff(giveSteering(this.#held, () => this.#turn));
  }

  /** An approval was decided. */
  noticeAnswer(): void {
    this.#handOff(this.#seat.agent?.desk.notice());
    this.#wake.resolve();
  }

  /** The session's options changed. */
  noticeOptions(): void {
    this.#handOff(this.#takeOptions());
  }

  async #takeOptions(): Promise<void> {
    const agent = this.#seat.agent;
    this.#hasMissedOptions = agent === null;
    if (agent === null || agent.process.isEnding) return;
    const session = await this.#held.persist(readHeld);
    if (this.#turn !== null) this.#turn.session = session;
    if (!agent.fits(session)) await this.#seat.apply(agent, session);
    await this.#seat.takeGrants();
  }

  async stopTask(taskId: string): Promise<void> {
    await this.#seat.agent?.process.stopTask(taskId);
  }

  /** Leaves the idle state, and parks a turn that only waits; one that works is not disturbed. */
  evict(): void {
    if (this.#state === 'waiting') this.#park();
    if (this.#state !== 'idle') return;
    this.#mustRelease = true;
    this.#wake.resolve();
  }

  /** No new turn begins; an idle session is released at once. */
  drain(): void {
    this.#isDraining = true;
    this.evict();
  }

  /** Stops the turn, which has been cancelled. */
  async cancelTurn(turnId: string): Promise<void> {
    if (this.#turn?.id === turnId) await this.#stopTurn(this.#turn);
  }

  /** Interrupts, and if the agent does not obey, kills it. At most 2 s. */
  async #stopTurn(turn: LiveTurn): Promise<void> {
    if (turn.isStopped || turn.hasResult) return;
    turn.isStopped = true;
    const { process } = this.#seat.agent ?? {};
    const obeyed = turn.ended.promise.then(
      () => true,
      () => true,
    );
    process
      ?.interrupt()
      .catch((error) => this.#logger.debug({ err: error }, 'the agent refused the interrupt'));
    const deadline = delay(INTERRUPT_GRACE_MS, false, { ref: false });
    // A turn that was stopped before its agent had it ends without a word of the agent: the next may run by now.
    if ((await Promise.race([obeyed, deadline])) || this.#turn !== turn) return;
    this.#logger.warn({ turn_id: turn.id }, 'the agent ignored the interrupt; killing it');
    await this.#seat.end('kill');
  }

  /** Kills the agent process; a running turn ends as interrupted, and so does one that is about to begin. */
  async stopNow(): Promise<void> {
    this.#isStopping = true;
    if (this.#turn !== null) this.#turn.isStopped = true;
    await this.#seat.end('kill');
  }

  /** The server stops, and has waited long enough for what is still to be written: the next start writes it. */
  giveUp(): void {
    this.#fail(new StoppedError(this.sessionId));
  }

  /** The session was deleted, or belongs to another worker now. */
  async abandon({ isDeleted = false } = {}): Promise<void> {
    this.#isDeleted = isDeleted;
    this.#fail(new StaleFenceError(this.sessionId));
    await this.stopNow();
  }

  /**
   * The same worker got the job again, since a heartbeat came too late (a suspended machine, say): it goes on.
   *
   * @returns false when this activation is at its end, or the job is another one: that of the session's next stay
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
    else if (turnId !== null && held.running_turn_id !== turnId) await this.cancelTurn(turnId);
    else if (held.has_input) this.noticeInput();
    if (held.has_answer) this.noticeAnswer();
    if (held.grants_hash !== this.#grantsHash) this.#noticeGrants(held.grants_hash);
  }

  /** Something was granted, or was and no longer is. */
  #noticeGrants(hash: string): void {
    this.#grantsHash = hash;
    if (this.#seat.agent?.process.isEnding === false) this.#handOff(this.#seat.takeGrants());
  }

  #handOff(work: Promise<void> | undefined): void {
    work?.catch((error) => {
      if (!this.#held.failed.signal.aborted) this.#logger.error({ err: error }, 'could not act on a signal');
    });
  }

  #setState(state: ActivationState): void {
    this.#state = state;
    this.#onStateChange();
  }
}
