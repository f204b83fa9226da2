import type { Logger } from '../../ground/log.ts';
import type { ActivationJob, ActivationQueue } from '../../ground/queue/queue.ts';
import { unlessAborted } from '../../ground/util/waiting.ts';
import type { WorkerServices } from '../services.ts';
import { Stay } from '../stay/stay.ts';
import { SlotDebts } from './slot-debts.ts';

const BACKSTOP_MS = 5_000;
const LAST_WORD_MS = 5_000;

/**
 * Hands this worker's slots to the sessions that wait for one. One per process.
 *
 * A slot is taken from the moment a job is claimed until its stay has ended, process and all. Jobs are fetched
 * when there may be some and a slot is free: woken by a signal after a commit, by a freed slot, or by a slow backstop.
 * A full worker keeps no idle session: the one idle longest is released at once, so that new work finds room. When
 * there is work and no room, sessions that only wait for a person give up their process; when somebody has waited for too
 * long, a session of a tenant that has more goes back to the queue at its next request to the model.
 */
export class Dispatcher {
  readonly #services: WorkerServices;
  readonly #queue: ActivationQueue;
  readonly #logger: Logger;
  readonly #maxSessions: number;
  /** What others wait for, while this worker is full. */
  readonly debts = new SlotDebts();
  readonly #stays = new Map<string, Stay>();
  readonly #runs = new Map<Stay, Promise<void>>();
  /** Of sessions whose earlier stay has yet to end; by session. */
  readonly #next = new Map<string, ActivationJob>();
  /** Of a server that stops: nothing is waited for any more. */
  readonly #givingUp = new AbortController();
  #backstop: NodeJS.Timeout | undefined;
  #isStarted = false;
  #mayHaveWork = false;
  #fetching: Promise<void> | null = null;

  constructor(services: WorkerServices, maxSessions: number) {
    this.#services = services;
    this.#queue = services.queue;
    this.#logger = services.logger;
    this.#maxSessions = maxSessions;
  }

  start(): void {
    this.#isStarted = true;
    this.#backstop = setInterval(() => this.wake(), BACKSTOP_MS).unref();
    this.wake();
  }

  get stays(): ReadonlyMap<string, Stay> {
    return this.#stays;
  }

  /** Those that this worker has claimed. */
  get jobs(): ActivationJob[] {
    return [...[...this.#stays.values()].map(({ job }) => job), ...this.#next.values()];
  }

  /** There may be work in the queue. */
  wake(): void {
    this.#mayHaveWork = true;
    if (!this.#isStarted) return;
    if (this.#freeSlots === 0) this.#parkForWork();
    this.#fetching ??= this.#fetchWhileUseful().finally(() => {
      this.#fetching = null;
      if (this.#mayHaveWork && this.#freeSlots > 0 && this.#isStarted) this.wake();
    });
  }

  /** No slot is free, and none will be in a moment. */
  get isFull(): boolean {
    return this.#freeSlots <= 0 && ![...this.#stays.values()].some(({ makesRoom }) => makesRoom);
  }

  get #freeSlots(): number {
    return this.#maxSessions - this.#stays.size;
  }

  async #fetchWhileUseful(): Promise<void> {
    try {
      while (this.#mayHaveWork && this.#freeSlots > 0 && this.#isStarted) {
        this.#mayHaveWork = false;
        const wanted = this.#freeSlots;
        const jobs = await this.#queue.fetch(wanted);
        if (jobs.length === wanted) this.#mayHaveWork = true;
        for (const job of jobs) this.#activate(job);
      }
    } catch (error) {
      this.#mayHaveWork = false;
      this.#logger.warn({ err: error }, 'cannot fetch work; the backstop tries again');
    }
  }

  /** One at a time: the slot that it frees looks for work, and comes back here when there is more. */
  #parkForWork(): void {
    const waiting = [...this.#stays.values()].find((stay) => stay.at === 'asking');
    if (waiting === undefined) return;
    this.#queue
      .hasWork()
      .then((hasWork) => {
        if (hasWork && this.#freeSlots === 0) waiting.evict();
      })
      .catch((error) => this.#logger.warn({ err: error }, 'cannot see whether there is work'));
  }

  #activate(job: ActivationJob): void {
    const present = this.#stays.get(job.sessionId);
    if (present === undefined) this.#run(job);
    else if (!present.adopt(job)) this.#next.set(job.sessionId, job);
  }

  #run(job: ActivationJob): void {
    const stay = new Stay(this.#services, job, {
      onChange: () => this.#keepSlotFree(),
      owesSlot: ({ tenantId }) => this.isFull && tenantId !== null && this.debts.take(tenantId),
    });
    this.#stays.set(job.sessionId, stay);
    const run = stay.run().finally(() => {
      this.#stays.delete(job.sessionId);
      this.#runs.delete(stay);
      const next = this.#next.get(job.sessionId);
      this.#next.delete(job.sessionId);
      if (next !== undefined) this.#run(next);
      this.wake();
    });
    this.#runs.set(stay, run);
    // Fetched in the moment that the drain began: it gives its job back.
    if (!this.#isStarted) stay.drain();
    if (this.#givingUp.signal.aborted) stay.giveUp();
  }

  /** Resolves when the session holds no slot here any more. */
  async ended(sessionId: string): Promise<void> {
    const stay = this.#stays.get(sessionId);
    if (stay !== undefined) await this.#runs.get(stay);
  }

  #keepSlotFree(): void {
    if (this.#freeSlots > 0) return;
    if ([...this.#stays.values()].some((stay) => stay.at === 'releasing')) return;
    const idle = [...this.#stays.values()].filter((stay) => stay.at === 'idle');
    const [longestIdle] = idle.sort((a, b) => a.idleSince - b.idleSince);
    if (longestIdle === undefined) this.#parkForWork();
    else longestIdle.evict();
  }

  /**
   * Takes no more work, lets running turns end for `graceMs`, or until `signal` aborts, then ends them. What they have yet
   * to write down is waited for a little longer. Resolves when every slot is free.
   */
  async drain(graceMs: number, signal: AbortSignal): Promise<void> {
    this.#isStarted = false;
    clearInterval(this.#backstop);
    for (const stay of this.#stays.values()) stay.drain();
    let lastWord: NodeJS.Timeout | undefined;
    const stopAll = (): void => {
      this.#stopAll();
      lastWord ??= setTimeout(() => this.#giveUpAll(), LAST_WORD_MS);
    };
    const grace = setTimeout(stopAll, graceMs);
    signal.addEventListener('abort', stopAll, { once: true });
    if (signal.aborted) stopAll();
    await unlessAborted(Promise.resolve(this.#fetching), this.#givingUp.signal).catch(() => {});
    while (this.#runs.size > 0) await Promise.all(this.#runs.values());
    clearTimeout(grace);
    clearTimeout(lastWord);
    signal.removeEventListener('abort', stopAll);
  }

  #stopAll(): void {
    for (const stay of this.#stays.values()) {
      stay.stopNow().catch((error) => this.#logger.error({ err: error }, 'could not stop an agent'));
    }
  }

  /** The database does not take what they have to write. */
  #giveUpAll(): void {
    this.#givingUp.abort();
    for (const stay of this.#stays.values()) stay.giveUp();
  }
}
