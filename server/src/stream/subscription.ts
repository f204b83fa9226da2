import type { Slots } from '../ground/util/slots.ts';
import type { EventKind } from '../session/event/event.ts';
import type { Follower, SessionChannel, SharedPage } from './channel.ts';
import type { StreamConnection } from './connection.ts';
import type { Batch, Format } from './frames.ts';

export type SubscriptionOptions = {
  channel: SessionChannel;
  connection: Pick<StreamConnection, 'write' | 'drained'>;
  after: number;
  kinds: readonly EventKind[] | null;
  deltas: boolean;
  format: Format;
  /** Large pages are read only by so many at a time. */
  holds: Slots;
  /** Called once, when the session was deleted. */
  onEnd(): void;
  /** Reading the log failed for good. */
  onError(error: unknown): void;
};

const LARGE_PAGE = 500;
const SMALL_PAGE = 16;
/** How long a page is kept for a connection that has no room for the rest of it. */
const HOLD_MS = 1_000;

/**
 * One stream's way through one session's log.
 *
 * - catching up: reads pages of stored events and writes them, as the connection has room. The state at the start, and
 *   again when the connection found no room: it is lagging then. What a lagging connection does not take soon is
 *   dropped, since the log has it, and the next page is a small one. Left for live when a page was the last and the
 *   channel lets it join.
 * - live: is handed what comes by the channel.
 * - ended: the connection is gone, or the session.
 */
export class Subscription implements Follower {
  readonly wantsDeltas: boolean;
  readonly #options: SubscriptionOptions;
  #position: number;
  #pageLimit = LARGE_PAGE;
  #state: 'catching up' | 'live' | 'ended' = 'catching up';

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#position = options.after;
    this.wantsDeltas = options.deltas;
    options.channel.add(this);
    this.#start();
  }

  get position(): number {
    return this.#position;
  }

  take(batch: Batch): boolean {
    if (this.#deliver(batch)) return true;
    this.#options.channel.leave(this);
    this.#state = 'catching up';
    this.#start();
    return false;
  }

  end(): void {
    this.stop();
    this.#options.onEnd();
  }

  stop(): void {
    this.#state = 'ended';
    this.#options.channel.remove(this);
  }

  #start(): void {
    this.#catchUp().catch((error) => {
      this.stop();
      this.#options.onError(error);
    });
  }

  async #catchUp(): Promise<void> {
    const { channel, connection, holds } = this.#options;
    let isAtEnd = false;
    while (true) {
      const isOpen = await connection.drained();
      if (!isOpen || this.#state !== 'catching up') return;
      if (isAtEnd && channel.join(this)) {
        this.#state = 'live';
        return;
      }
      using hold = this.#pageLimit > SMALL_PAGE ? holds.tryTake() : null;
      if (hold === null) this.#pageLimit = SMALL_PAGE;
      isAtEnd = await this.#readOn(hold !== null);
    }
  }

  /**
   * Page after page for as long as the connection takes them, each read while the one before is written; or one page.
   *
   * @returns true at the end of the log
   */
  async #readOn(mayReadAhead: boolean): Promise<boolean> {
    let next: Promise<SharedPage> | null = this.#read(this.#position);
    while (next !== null) {
      const page: SharedPage = await next;
      this.#pageLimit = Math.min(2 * this.#pageLimit, LARGE_PAGE);
      next = mayReadAhead && !page.isLast ? this.#read(page.batch.lastSeq) : null;
      // It is awaited only when this page was taken.
      next?.catch(() => {});
      if (this.#state !== 'catching up') return false;
      if (!(await this.#handOver(page.batch))) {
        this.#pageLimit = SMALL_PAGE;
        return false;
      }
      if (page.isLast) {
        this.#position = Math.max(this.#position, page.upTo);
        return true;
      }
    }
    return false;
  }

  async #read(after: number): Promise<SharedPage> {
    const { channel, kinds } = this.#options;
    return await channel.read({ after, kinds, limit: this.#pageLimit });
  }

  /** @returns false when the connection did not take all of it soon enough */
  async #handOver(batch: Batch): Promise<boolean> {
    while (!this.#deliver(batch)) {
      if (!(await this.#options.connection.drained(HOLD_MS))) return false;
      if (this.#state !== 'catching up') return false;
    }
    return true;
  }

  /** @returns false when there was no room for all of it; called again it goes on where it was */
  #deliver(batch: Batch): boolean {
    const { connection, format } = this.#options;
    for (const chunk of batch.chunks(format, this.#position)) {
      if (!connection.write(chunk.bytes)) return false;
      this.#position = Math.max(this.#position, chunk.lastSeq);
    }
    this.#position = Math.max(this.#position, batch.lastSeq);
    return true;
  }
}
