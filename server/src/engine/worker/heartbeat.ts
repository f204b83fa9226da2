import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionTarget } from '../../ground/db/client.ts';
import { LoneConnection } from '../../ground/db/lone-connection.ts';
import type { Logger } from '../../ground/log.ts';
import { type ActivationJob, type ActivationQueue, HEARTBEAT_SECONDS } from '../../ground/queue/queue.ts';
import { recordHeartbeat, type WorkerIdentity } from '../../ground/queue/store.ts';
import { patiently } from '../../ground/util/waiting.ts';
import { findFences } from '../hold/claim.ts';

/** Milliseconds. */
export type HeartbeatTimes = {
  between: number;
  /** How long an answer is waited for. */
  answer: number;
  /** A claim that was not renewed for this long may be somebody else's soon. */
  claim: number;
};

export const heartbeatTimes: HeartbeatTimes = {
  between: 2_000,
  answer: 4_000,
  claim: (HEARTBEAT_SECONDS - 2) * 1000,
};

export type HeartbeatOptions = {
  target: ConnectionTarget;
  queue: ActivationQueue;
  identity: WorkerIdentity;
  logger: Logger;
  /** Whether other servers can reach the database. */
  isShared: boolean;
  times: HeartbeatTimes;
  jobs: () => ActivationJob[];
  /** A newer fence than any of this worker's was seen, or none: the session was deleted. */
  onFence: (sessionId: string, fence: number | null) => void;
  /** Claims on these sessions can no longer be proved. */
  onUnproved: (sessionIds: string[]) => void;
};

/**
 * Renews this worker's claims, over a connection of its own, and does nothing else that could take long: what waits for a
 * lock or a free connection elsewhere costs no claim.
 *
 * Which claims still stand is asked. Only where there is no answer the clock decides: where others work on the same
 * database, sessions whose claims may lapse are given up before somebody else may take them. Where nobody else could, they
 * are not: a stay waits for the database, and the fence keeps out what should come all the same.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #connection: LoneConnection;
  readonly #closing = new AbortController();
  /** Others that may take over what lapses; until it is known, they may. */
  #hasPeers = true;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    const { target, times } = options;
    this.#connection = new LoneConnection(target, { name: 'greenroom-heartbeat', patienceMs: times.answer });
  }

  start(): void {
    this.#beating = this.#beatUntilClosed();
  }

  async #beatUntilClosed(): Promise<void> {
    const { signal } = this.#closing;
    const { between } = this.#options.times;
    while (!signal.aborted) {
      const isAnswered = await this.#beat();
      await delay(isAnswered ? between : between / 4, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #beat(): Promise<boolean> {
    try {
      await patiently(this.#renew(), this.#patience());
      return true;
    } catch (error) {
      if (this.#closing.signal.aborted) return false;
      this.#connection.drop();
      this.#options.logger.warn({ err: error }, 'missed a heartbeat');
      this.#giveUpUnproved();
      return false;
    }
  }

  async #renew(): Promise<void> {
    const { queue, identity, jobs, onFence } = this.#options;
    const { db } = this.#connection;
    const open = await queue.renew(db, jobs(), identity.id);
    if (open.length > 0) {
      const ids = open.map(({ sessionId }) => sessionId);
      const fences = await findFences(db, ids);
      for (const id of ids) onFence(id, fences.get(id) ?? null);
    }
    this.#hasPeers = await recordHeartbeat(db, identity);
  }

  get #mayBeTaken(): boolean {
    return this.#options.isShared && this.#hasPeers;
  }

  /** Until the first claim may lapse, where that matters; but it is always asked first. */
  #patience(): number {
    const { answer, claim } = this.#options.times;
    if (!this.#mayBeTaken) return answer;
    const oldest = Math.min(...this.#options.jobs().map((job) => job.provenAt));
    const left = oldest + claim - performance.now();
    return Math.min(answer, Math.max(left, answer / 4));
  }

  #giveUpUnproved(): void {
    if (!this.#mayBeTaken) return;
    const { jobs, times, onUnproved } = this.#options;
    const now = performance.now();
    const unproved = jobs().filter((job) => now - job.provenAt >= times.claim);
    if (unproved.length > 0) onUnproved(unproved.map(({ sessionId }) => sessionId));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#connection.drop();
    await this.#beating;
  }
}
