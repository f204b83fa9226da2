import { hostname } from 'node:os';
import type { Kysely } from 'kysely';
import { sessionsDirectory } from '../agent/environment.ts';
import { expireApprovals } from '../approval/service.ts';
import type { Database } from '../db/database.ts';
import type { EventBus, Signal } from '../event/bus.ts';
import type { Logger } from '../log.ts';
import type { ActivationQueue } from '../queue/queue.ts';
import type { Activation } from './activation.ts';
import { Dispatcher, SELF_FENCE_MS } from './dispatcher.ts';
import type { WorkerServices } from './services.ts';
import { removeDeletedDirectories, removeDirectories } from './session-directories.ts';
import {
  findHeldStates,
  forgetSilentWorkers,
  recordHeartbeat,
  registerWorker,
  requeueForgotten,
  unregisterWorker,
  type WorkerIdentity,
} from './store.ts';

const HEARTBEAT_MS = 3_000;
const TIDY_MS = 60_000;

/**
 * Runs sessions in this process.
 *
 * - starting: what an earlier server on this data directory left is cleaned up; its claims are released at once.
 * - working: signals and the heartbeat drive the dispatcher.
 * - draining: no new work; ends when every slot is free.
 */
export class Worker {
  readonly #services: WorkerServices;
  readonly #db: Kysely<Database>;
  readonly #bus: EventBus;
  readonly #queue: ActivationQueue;
  readonly #logger: Logger;
  readonly #identity: WorkerIdentity;
  readonly #dispatcher: Dispatcher;
  #heartbeat: NodeJS.Timeout | undefined;
  #tidying: NodeJS.Timeout | undefined;
  #beating: Promise<void> | null = null;
  #lastBeat = performance.now();
  #stopListening: (() => void)[] = [];
  #isStarted = false;

  constructor(services: WorkerServices, maxSessions: number) {
    this.#services = services;
    this.#db = services.db;
    this.#bus = services.bus;
    this.#queue = services.queue;
    this.#logger = services.logger;
    this.#dispatcher = new Dispatcher(services, maxSessions);
    this.#identity = {
      id: services.workerId,
      nodeId: services.nodeId,
      hostname: hostname(),
      pid: process.pid,
      maxSessions,
    };
  }

  async start(): Promise<void> {
    const jobs = await registerWorker(this.#db, this.#identity);
    await this.#queue.giveBack(jobs);
    if (jobs.length > 0)
      this.#logger.info({ sessions: jobs.length }, 'took back the sessions of an earlier server');
    this.#stopListening = [
      this.#bus.listen((signal) => this.#onSignal(signal)),
      this.#bus.onConnected(() => {
        this.#dispatcher.wake();
        this.#lookForDeleted();
      }),
    ];
    this.#heartbeat = setInterval(() => this.#startBeat(), HEARTBEAT_MS).unref();
    this.#tidying = setInterval(() => this.#handOff(this.#tidy()), TIDY_MS).unref();
    this.#dispatcher.start();
    this.#lookForDeleted();
    this.#isStarted = true;
  }

  /** Whether it works: its start is through. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Not waited for: how much there is, nobody knows. */
  #lookForDeleted(): void {
    this.removeDeleted().catch((error) =>
      this.#logger.warn({ err: error }, 'could not look for directories of deleted sessions'),
    );
  }

  /** Removes what is on this node of sessions that were deleted while it was away. */
  async removeDeleted(): Promise<void> {
    await removeDeletedDirectories(this.#services, sessionsDirectory(this.#services.dataDir));
  }

  /** Sessions that hold a slot now, with what they do. */
  get sessions(): { id: string; state: string }[] {
    return [...this.#dispatcher.activations.values()].map((activation) => ({
      id: activation.sessionId,
      state: activation.state,
    }));
  }

  /** Resolves when the session holds no slot here, or no longer does. */
  async released(sessionId: string): Promise<void> {
    await this.#dispatcher.ended(sessionId);
  }

  #onSignal(signal: Signal): void {
    if (signal.type === 'work') this.#dispatcher.wake();
    if (!('sessionId' in signal)) return;
    const activation = this.#dispatcher.activations.get(signal.sessionId);
    if (signal.type === 'input') activation?.noticeInput();
    else if (signal.type === 'cancel') this.#handOff(activation?.cancelTurn(signal.turnId));
    else if (signal.type === 'options') activation?.noticeOptions();
    else if (signal.type === 'approval') activation?.noticeAnswer();
    else if (signal.type === 'stop_task') this.#handOff(activation?.stopTask(signal.taskId));
    else if (signal.type === 'deleted') this.#handOff(this.#forget(signal.sessionId));
  }

  async #forget(sessionId: string): Promise<void> {
    await this.#dispatcher.activations.get(sessionId)?.abandon({ isDeleted: true });
    await this.#dispatcher.ended(sessionId);
    await removeDirectories(this.#services, sessionId);
  }

  #handOff(work: Promise<void> | undefined): void {
    work?.catch((error) => this.#logger.error({ err: error }, 'could not act on a signal'));
  }

  #startBeat(): void {
    if (this.#beating !== null) {
      if (performance.now() - this.#lastBeat > SELF_FENCE_MS) this.#fenceSelf();
      return;
    }
    this.#beating = this.#beat().finally(() => {
      this.#beating = null;
    });
  }

  async #beat(): Promise<void> {
    const activations = [...this.#dispatcher.activations.values()];
    const startedAt = performance.now();
    try {
      await this.#queue.touch(this.#dispatcher.jobs);
      await recordHeartbeat(this.#db, this.#identity);
      await this.#check(activations);
      await expireApprovals(this.#services);
      this.#lastBeat = startedAt;
    } catch (error) {
      this.#logger.warn({ err: error }, 'missed a heartbeat');
      if (performance.now() - this.#lastBeat > SELF_FENCE_MS) this.#fenceSelf();
    }
  }

  /** What a lost signal would have said. */
  async #check(activations: readonly Activation[]): Promise<void> {
    const views = activations.map((activation) => ({ activation, view: activation.view }));
    if (views.length === 0) return;
    const ids = activations.map((activation) => activation.sessionId);
    const states = new Map((await findHeldStates(this.#db, ids)).map((state) => [state.id, state]));
    for (const { activation, view } of views) {
      if (view.fence === 0) continue;
      const held = states.get(activation.sessionId);
      this.#handOff(held === undefined ? this.#forget(activation.sessionId) : activation.check(view, held));
    }
  }

  async #tidy(): Promise<void> {
    await forgetSilentWorkers(this.#db);
    const sessions = await requeueForgotten(this.#db, this.#queue);
    if (sessions.length === 0) return;
    this.#logger.error({ sessions }, 'queued sessions again that had lost their job');
    this.#dispatcher.wake();
  }

  #fenceSelf(): void {
    if (this.#dispatcher.activations.size === 0) return;
    this.#logger.error('could not renew the claims on sessions in time: ending their agents');
    this.#dispatcher.abandonAll();
  }

  /** Lets running turns end for `graceMs`; sooner when `signal` aborts. */
  async drain(graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#dispatcher.drain(graceMs, signal);
    clearInterval(this.#heartbeat);
    clearInterval(this.#tidying);
    await this.#beating;
    for (const stop of this.#stopListening) stop();
    await unregisterWorker(this.#db, this.#identity.id).catch((error) =>
      this.#logger.warn({ err: error }, 'could not sign off'),
    );
  }
}
