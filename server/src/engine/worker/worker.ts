import { hostname } from 'node:os';
import type { Kysely } from 'kysely';
import type { ConnectionTarget } from '../../ground/db/client.ts';
import type { Database } from '../../ground/db/database.ts';
import type { Logger } from '../../ground/log.ts';
import type { ActivationQueue } from '../../ground/queue/queue.ts';
import {
  countHeld,
  forgetSilentWorkers,
  registerWorker,
  requeueForgotten,
  unregisterWorker,
  type WorkerIdentity,
} from '../../ground/queue/store.ts';
import { patiently } from '../../ground/util/waiting.ts';
import { expireApprovals } from '../../session/approval/service.ts';
import { sessionsDirectory } from '../../session/directories.ts';
import type { EventBus, Signal } from '../../session/event/bus.ts';
import { findHeldStates } from '../hold/claim.ts';
import { removeDeletedDirectories, removeDirectories } from '../seat/session-directories.ts';
import type { WorkerServices } from '../services.ts';
import { Dispatcher } from './dispatcher.ts';
import { Heartbeat, type HeartbeatTimes, heartbeatTimes } from './heartbeat.ts';
import { Repeating } from './repeating.ts';

const CHECK_MS = 3_000;
const EXPIRE_MS = 3_000;
const TIDY_MS = 60_000;
/** Of a server that stops, for what the database has yet to answer. */
const LAST_ANSWER_MS = 2_000;

export type WorkerOptions = {
  maxSessions: number;
  /** How long a session waits before others may have to make room for it. Milliseconds. */
  slotPatience: number;
  /** For the heartbeat's own connection. */
  target: ConnectionTarget;
  /** Whether other servers can reach the database. */
  isShared: boolean;
  times?: Partial<HeartbeatTimes> | undefined;
};

/**
 * Runs sessions in this process.
 *
 * - starting: what an earlier server on this data directory left is cleaned up; its claims are released at once.
 * - working: signals and the rounds drive the dispatcher; the heartbeat renews its claims.
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
  readonly #slotPatience: number;
  readonly #heartbeat: Heartbeat;
  readonly #checking: Repeating;
  readonly #expiring: Repeating;
  readonly #tidying: Repeating;
  #stopListening: (() => void)[] = [];
  #isStarted = false;

  constructor(
    services: WorkerServices,
    { maxSessions, slotPatience, target, isShared, times }: WorkerOptions,
  ) {
    this.#services = services;
    this.#db = services.db;
    this.#bus = services.bus;
    this.#queue = services.queue;
    this.#logger = services.logger;
    this.#dispatcher = new Dispatcher(services, maxSessions);
    this.#slotPatience = slotPatience;
    this.#identity = {
      id: services.workerId,
      nodeId: services.nodeId,
      hostname: hostname(),
      pid: process.pid,
      maxSessions,
    };
    this.#heartbeat = new Heartbeat({
      target,
      isShared,
      queue: services.queue,
      identity: this.#identity,
      logger: services.logger,
      times: { ...heartbeatTimes, ...times },
      jobs: () => this.#dispatcher.jobs,
      onFence: (sessionId, fence) => this.#handOff(this.#onFence(sessionId, fence)),
      onUnproved: (sessionIds) => this.#giveUp(sessionIds),
    });
    const rounds = (what: string, work: (signal: AbortSignal) => Promise<void>): Repeating =>
      new Repeating(work, (error) => this.#logger.warn({ err: error }, `could not ${what}; will try again`));
    this.#checking = rounds('see what became of the sessions', async () => {
      await this.#check();
      await this.#lookForDebts();
    });
    this.#expiring = rounds(
      'expire approvals',
      async (signal) => await expireApprovals(this.#services, signal),
    );
    this.#tidying = rounds('tidy up', async () => await this.#tidy());
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
    this.#heartbeat.start();
    this.#checking.start(CHECK_MS);
    this.#expiring.start(EXPIRE_MS);
    this.#tidying.start(TIDY_MS);
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
    return [...this.#dispatcher.stays.values()].map(({ sessionId, at }) => ({ id: sessionId, state: at }));
  }

  /** Resolves when the session holds no slot here, or no longer does. */
  async released(sessionId: string): Promise<void> {
    await this.#dispatcher.ended(sessionId);
  }

  #onSignal(signal: Signal): void {
    if (signal.type === 'work') this.#dispatcher.wake();
    if (!('sessionId' in signal)) return;
    const stay = this.#dispatcher.stays.get(signal.sessionId);
    if (signal.type === 'input') stay?.noticeInput();
    else if (signal.type === 'cancel') stay?.cancelTurn(signal.turnId);
    else if (signal.type === 'options') stay?.noticeOptions();
    else if (signal.type === 'approval') stay?.noticeAnswer();
    else if (signal.type === 'stop_task') this.#handOff(stay?.stopTask(signal.taskId));
    else if (signal.type === 'deleted') this.#handOff(this.#forget(signal.sessionId));
  }

  async #forget(sessionId: string): Promise<void> {
    await this.#dispatcher.stays.get(sessionId)?.abandon({ isDeleted: true });
    await this.#dispatcher.ended(sessionId);
    await removeDirectories(this.#services, sessionId);
  }

  #handOff(work: Promise<void> | undefined): void {
    work?.catch((error) => this.#logger.error({ err: error }, 'could not act on a signal'));
  }

  async #onFence(sessionId: string, fence: number | null): Promise<void> {
    const stay = this.#dispatcher.stays.get(sessionId);
    if (stay === undefined || stay.view.fence === 0) return;
    if (fence === null) await this.#forget(sessionId);
    else if (fence > stay.view.fence) await stay.abandon();
  }

  /** The claims may have lapsed: another worker may take the sessions, so nothing may go on here. */
  #giveUp(sessionIds: readonly string[]): void {
    const stays = sessionIds.flatMap((id) => this.#dispatcher.stays.get(id) ?? []);
    if (stays.length === 0) return;
    this.#logger.error(
      { sessions: stays.map(({ sessionId }) => sessionId) },
      'could not renew the claims on sessions in time, and others may take them: ending their agents',
    );
    for (const stay of stays) this.#handOff(stay.abandon());
  }

  /** What a lost signal would have said. */
  async #check(): Promise<void> {
    const stays = [...this.#dispatcher.stays.values()];
    const views = stays.map((stay) => ({ stay, view: stay.view }));
    if (views.length === 0) return;
    const ids = stays.map((stay) => stay.sessionId);
    const states = new Map((await findHeldStates(this.#db, ids)).map((state) => [state.id, state]));
    for (const { stay, view } of views) {
      if (view.fence === 0) continue;
      const held = states.get(stay.sessionId);
      this.#handOff(held === undefined ? this.#forget(stay.sessionId) : stay.check(view, held));
    }
  }

  async #lookForDebts(): Promise<void> {
    const waiting = this.#dispatcher.isFull ? await this.#queue.listImpatient(this.#slotPatience) : [];
    const held = waiting.length === 0 ? new Map() : await countHeld(this.#db);
    this.#dispatcher.debts.set(waiting, held);
  }

  async #tidy(): Promise<void> {
    await forgetSilentWorkers(this.#db);
    const sessions = await requeueForgotten(this.#db, this.#queue);
    if (sessions.length === 0) return;
    this.#logger.error({ sessions }, 'queued sessions again that had lost their job');
    this.#dispatcher.wake();
  }

  /** Lets running turns end for `graceMs`; sooner when `signal` aborts. */
  async drain(graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#dispatcher.drain(graceMs, signal);
    for (const stop of this.#stopListening) stop();
    await this.#heartbeat[Symbol.asyncDispose]();
    const rounds = [this.#checking, this.#expiring, this.#tidying];
    const ended = Promise.all(rounds.map(async (each) => await each[Symbol.asyncDispose]()));
    await patiently(ended, LAST_ANSWER_MS).catch(() => {}); // the sign-off tells what is the matter
    await patiently(unregisterWorker(this.#db, this.#identity.id), LAST_ANSWER_MS).catch((error) =>
      this.#logger.warn({ err: error }, 'could not sign off'),
    );
  }
}
