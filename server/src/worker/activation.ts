import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { AgentProcess } from '../agent/agent-process.ts';
import { hasConversation } from '../agent/transcript-store.ts';
import { retryWhileUnavailable } from '../db/retry.ts';
import type { StoredEvent } from '../event/event.ts';
import { StaleFenceError } from '../event/event-log.ts';
import type { Logger } from '../log.ts';
import type { ActivationJob } from '../queue/queue.ts';
import type { SessionRow } from '../session/store.ts';
import type { TurnOutcome } from '../turn/turn.ts';
import { crashOutcome, outcomeOf, parseResult, type ResultMessage } from './outcome.ts';
import type { WorkerServices } from './services.ts';
import { type StartedAgent, startAgent } from './start-agent.ts';
import {
  type BegunTurn,
  beginTurn,
  claimSession,
  finishTurn,
  type HeldState,
  LostClaimError,
  releaseSession,
} from './store.ts';
import { translate } from './translate.ts';

export type ActivationState = 'claiming' | 'running' | 'idle' | 'releasing' | 'ended';

const INTERRUPT_GRACE_MS = 800;
const MAX_UNSTORED_MESSAGES = 256;

export type HeldView = { fence: number; turnId: string | null };

type LiveTurn = {
  id: string;
  /** The process that was given the prompt; null before that. */
  agent: AgentProcess | null;
  ended: PromiseWithResolvers<ResultMessage>;
  isStopped: boolean;
};
type LiveAgent = StartedAgent & { options: SessionRow['options']; pump: Promise<void> };

/**
 * A session's stay on this worker, from claim to release. It owns the session's agent process.
 *
 * - claiming: raises the fence; the turn of a crashed predecessor ends. Left at once.
 * - running: one turn after the other; an agent process is started for the first, and kept.
 * - idle: no turn waits. Left by new input, or for `releasing` by the idle time's end, eviction, drain or deletion.
 * - releasing: the process ends, then the job completes, unless input arrived: then back to running.
 * - ended: the slot is free. Reached from anywhere when the fence turns out stale: the process is killed and nothing
 *   more is written.
 */
export class Activation {
  readonly sessionId: string;
  readonly #services: WorkerServices;
  readonly #logger: Logger;
  #job: ActivationJob;
  #fence = 0;
  #state: ActivationState = 'claiming';
  #idleSince = 0;
  #agent: LiveAgent | null = null;
  #turn: LiveTurn | null = null;
  #wake = Promise.withResolvers<void>();
  #mustRelease = false;
  #isDraining = false;
  #isStopping = false;
  /** Aborted, with the reason, when nothing more can be written. */
  readonly #failed = new AbortController();
  #unstored = 0;
  #onStateChange: () => void;

  constructor(services: WorkerServices, job: ActivationJob, onStateChange: () => void) {
    this.#services = services;
    this.#job = job;
    this.sessionId = job.sessionId;
    this.#logger = services.logger.child({ session_id: job.sessionId });
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
    return { fence: this.#fence, turnId: this.#turn?.id ?? null };
  }

  /** Runs until the slot is free again. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#claimAndServe();
    } catch (error) {
      if (error instanceof StaleFenceError)
        this.#logger.warn({ fence: this.#fence }, 'lost the session: it was deleted, or is active elsewhere');
      else if (error instanceof LostClaimError) this.#logger.warn(error.message);
      else this.#logger.error({ err: error }, 'the activation failed; its job will be tried again');
    } finally {
      await this.#endAgent('kill').catch((error) =>
        this.#logger.error({ err: error }, 'could not end the agent process'),
      );
      this.#setState('ended');
    }
  }

  async #claimAndServe(): Promise<void> {
    const { db, queue, workerId } = this.#services;
    const claim = await this.#persist(() => claimSession(db, { job: this.#job, workerId, queue }));
    if (claim === null) {
      await db.transaction().execute(async (trx) => await queue.complete(trx, this.#job));
      return;
    }
    this.#fence = claim.session.fence;
    this.#publish(claim.events);
    while (true) {
      this.#failed.signal.throwIfAborted();
      this.#wake = Promise.withResolvers();
      const begun = this.#isDraining ? null : await this.#persist(() => beginTurn(db, this.#hold));
      this.#failed.signal.throwIfAborted();
      if (begun !== null) await this.#runTurn(begun);
      else if (!(await this.#waitForInput()) && (await this.#release())) return;
    }
  }

  // --- running

  async #runTurn({ turn, session, events }: BegunTurn): Promise<void> {
    this.#publish(events);
    const live: LiveTurn = {
      id: turn.id,
      agent: null,
      ended: Promise.withResolvers(),
      isStopped: this.#isStopping,
    };
    live.ended.promise.catch(() => {});
    this.#turn = live;
    this.#setState('running');
    const logger = this.#logger.child({ turn_id: turn.id });
    logger.info({ turn: turn.number, warm: this.#agent !== null }, 'turn started');
    let outcome: TurnOutcome;
    try {
      if (live.isStopped) throw new Error('the turn was stopped before it was given to the agent');
      await this.#ensureAgent(session, live);
      this.#send(live, turn.prompt);
      outcome = outcomeOf(await live.ended.promise);
    } catch (error) {
      this.#failed.signal.throwIfAborted();
      outcome = crashOutcome(error, this.#isDraining);
      await this.#endAgent('kill');
    }
    this.#turn = null;
    const ended = { id: turn.id, number: turn.number, outcome };
    this.#publish(await this.#persist(() => finishTurn(this.#services.db, this.#hold, ended)));
    const error = outcome.state === 'error' ? outcome.error.code : undefined;
    logger.info({ state: outcome.state, error, cost_usd: outcome.costUsd }, 'turn ended');
  }

  #send(turn: LiveTurn, prompt: string): void {
    if (this.#agent === null) throw new Error('the agent process ended before its turn began');
    turn.agent = this.#agent.process;
    this.#agent.process.send(turn.id, prompt);
  }

  async #ensureAgent(session: SessionRow, turn: LiveTurn): Promise<void> {
    const isUsable = this.#agent?.process.isEnding === false;
    if (isUsable && isDeepStrictEqual(this.#agent?.options, session.options)) return;
    // The options changed with the new turn: only a new process has them all. Or it is being killed.
    await this.#endAgent('close');
    const exists = await this.#persist(() => hasConversation(this.#services.db, this.sessionId));
    const plan = { session, fence: this.#fence, conversationExists: exists };
    await startAgent(this.#services, plan, (start) => {
      if (turn.isStopped) throw new Error('the turn was stopped before its agent was started');
      const started = start();
      this.#agent = { ...started, options: session.options, pump: this.#pump(started.process) };
    });
  }

  /** Stores what the agent says, for as long as its process lives, also between turns. */
  async #pump(agent: AgentProcess): Promise<void> {
    let stored = Promise.resolve();
    try {
      for await (const message of agent.messages()) {
        stored = this.#store(translate(message, this.#turn?.id ?? null, new Date()));
        if (message.type === 'result' && this.#turn?.agent === agent) {
          const { ended } = this.#turn;
          await stored;
          ended.resolve(parseResult(message));
        } else if (this.#unstored > MAX_UNSTORED_MESSAGES) await stored;
      }
      throw new Error('the agent process ended before its turn did');
    } catch (error) {
      // What it said last belongs before the end of its turn.
      await stored;
      if (this.#turn?.agent === agent) this.#turn.ended.reject(error);
    } finally {
      // An agent that ended while idle is not missed until the next turn, which starts a new one.
      if (this.#agent?.process === agent) {
        this.#agent.access.revoke();
        this.#agent = null;
      }
      this.#wake.resolve();
    }
  }

  async #store(drafts: ReturnType<typeof translate>): Promise<void> {
    this.#unstored += drafts.length;
    const appended = drafts.map((draft) =>
      this.#services.eventLog.append(this.sessionId, this.#fence, draft),
    );
    try {
      await Promise.all(appended);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#unstored -= drafts.length;
    }
  }

  /** Nothing more can be written: the session is somebody else's, or the database refused. Ends the activation. */
  #fail(error: unknown): void {
    this.#failed.abort(error);
    this.#turn?.ended.reject(error);
    this.#wake.resolve();
  }

  // --- idle

  /** @returns false when it is time to release the session */
  async #waitForInput(): Promise<boolean> {
    this.#failed.signal.throwIfAborted();
    this.#mustRelease = false;
    // Without a process, or when told to go, there is nothing to wait with.
    if (this.#agent === null || this.#isDraining) return false;
    this.#idleSince = performance.now();
    const timer = setTimeout(() => this.evict(), this.#services.idleTtl);
    this.#setState('idle');
    await this.#wake.promise;
    clearTimeout(timer);
    this.#failed.signal.throwIfAborted();
    return !this.#mustRelease;
  }

  // --- releasing

  /** @returns false when input arrived meanwhile: the session goes on */
  async #release(): Promise<boolean> {
    this.#setState('releasing');
    await this.#endAgent('close');
    this.#failed.signal.throwIfAborted();
    const { db, queue } = this.#services;
    const result = await this.#persist(() =>
      releaseSession(db, { hold: this.#hold, job: this.#job, queue, force: this.#isDraining }),
    );
    if (result === 'requeued') this.#services.bus.publish([{ type: 'work' }]);
    return result !== 'has_input';
  }

  async #endAgent(how: 'close' | 'kill'): Promise<void> {
    const agent = this.#agent;
    if (agent === null) return;
    await (how === 'close' ? agent.process.close() : agent.process.kill());
    await agent.pump;
  }

  // --- what others ask of it

  /** A turn was queued for the session. */
  noticeInput(): void {
    this.#wake.resolve();
  }

  /** Leaves the idle state as soon as it is in it; a running turn is not disturbed. */
  evict(): void {
    if (this.#state !== 'idle') return;
    this.#mustRelease = true;
    this.#wake.resolve();
  }

  /** No new turn begins; an idle session is released at once. */
  drain(): void {
    this.#isDraining = true;
    this.evict();
  }

  /** Stops the turn, which has been cancelled: interrupt, and if the agent does not obey, kill. At most 2 s. */
  async cancelTurn(turnId: string): Promise<void> {
    const turn = this.#turn;
    if (turn?.id !== turnId || turn.isStopped) return;
    turn.isStopped = true;
    const { process } = this.#agent ?? {};
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
    this.#logger.warn({ turn_id: turnId }, 'the agent ignored the interrupt; killing it');
    await this.#endAgent('kill');
  }

  /** Kills the agent process; a running turn ends as interrupted, and so does one that is about to begin. */
  async stopNow(): Promise<void> {
    this.#isStopping = true;
    if (this.#turn !== null) this.#turn.isStopped = true;
    await this.#endAgent('kill');
  }

  /** The session was deleted, or belongs to another worker now. */
  async abandon(): Promise<void> {
    this.#fail(new StaleFenceError(this.sessionId));
    await this.stopNow();
  }

  /**
   * The same worker got the job again, since a heartbeat came too late (a suspended machine, say): it goes on.
   *
   * @returns false when this activation is at its end
   */
  adopt(job: ActivationJob): boolean {
    if (this.#failed.signal.aborted || this.#state === 'ended') return false;
    this.#job = job;
    return true;
  }

  /** Compares with how things stand in the database: what a lost signal would have said. */
  async check(before: HeldView, held: HeldState): Promise<void> {
    const { fence, turnId } = before;
    if (held.fence !== fence) await this.abandon();
    else if (turnId !== null && held.running_turn_id !== turnId) await this.cancelTurn(turnId);
    else if (held.has_input) this.noticeInput();
  }

  /** A short outage of the database must not cost a turn: waits until it is over, or the session is lost. */
  async #persist<T>(work: () => Promise<T>): Promise<T> {
    return await retryWhileUnavailable(work, this.#failed.signal);
  }

  get #hold(): { sessionId: string; fence: number } {
    return { sessionId: this.sessionId, fence: this.#fence };
  }

  #publish(events: readonly StoredEvent[]): void {
    this.#services.bus.publishEvents(events);
  }

  #setState(state: ActivationState): void {
    this.#state = state;
    this.#onStateChange();
  }
}
