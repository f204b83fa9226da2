import type { Signal } from '../session/event/bus.ts';
import { type DeltaSignal, toDeltaView } from '../session/event/delta.ts';
import { type LogItem, type StoredEvent, toEventView } from '../session/event/event.ts';
import type { EventPage, EventQuery } from '../session/event/store.ts';
import type { SessionKey } from '../session/store.ts';
import { Batch, passing, type StreamItem } from './frames.ts';

/** One stream's view of one session, as the channel sees it. */
export type Follower = {
  /** The newest `seq` that it has. */
  readonly position: number;
  readonly wantsDeltas: boolean;
  /** @returns false when it could not take all: it has left the channel then */
  take(batch: Batch): boolean;
  /** The session was deleted. */
  end(): void;
};

export type PageRequest = Pick<EventQuery, 'after' | 'kinds' | 'limit'>;
/** `upTo`: nothing up to this `seq` is missing from the page. */
export type SharedPage = { batch: Batch; isLast: boolean; upTo: number };

export type ChannelSource = {
  findPage(query: EventQuery): Promise<EventPage>;
  /** What could not be read will be tried again with the next sweep. */
  onError(error: unknown): void;
  /** Nobody follows any more. */
  onEmpty(): void;
};

const DELTA_WINDOW_MS = 25;
const FILL_PAGE = 200;

/**
 * The live end of one session's log on this node. However many streams follow it, it listens once, finds gaps once and
 * renders each event once.
 *
 * Signals are hints: `#newest` is the greatest `seq` that anybody has named, `#tail` the newest event that is here,
 * `#head` the newest that was handed to the live followers. A signal that is next in line extends the tail; any other
 * makes the channel read the table up to `#newest`. While nobody is live it reads nothing: who joins brings a position.
 */
export class SessionChannel {
  readonly key: SessionKey;
  readonly #source: ChannelSource;
  readonly #followers = new Set<Follower>();
  readonly #live = new Set<Follower>();
  readonly #reads = new Map<string, Promise<SharedPage>>();
  #head = 0;
  #tail = 0;
  #newest = 0;
  #isFilling = false;
  #pending: StreamItem[] = [];
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(key: SessionKey, source: ChannelSource) {
    this.key = key;
    this.#source = source;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  get followerCount(): number {
    return this.#followers.size;
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
  }

  remove(follower: Follower): void {
    if (!this.#followers.delete(follower)) return;
    this.leave(follower);
    if (this.#followers.size === 0) this.#source.onEmpty();
  }

  /**
   * The cut-over, in one step: from now on the follower is handed what comes after its position.
   *
   * @returns false when it is behind what the others were handed already: it must read on
   */
  join(follower: Follower): boolean {
    if (this.#live.size === 0) this.#head = this.#tail = follower.position;
    else if (follower.position < this.#head) return false;
    this.#live.add(follower);
    if (this.#newest > this.#tail) void this.#fill();
    return true;
  }

  /** The follower is not live any more. */
  leave(follower: Follower): void {
    this.#live.delete(follower);
    if (this.#live.size === 0) this.#clearPending();
  }

  /** A page of stored events; the same one for all who ask for it at the same time. */
  async read({ after, kinds, limit }: PageRequest): Promise<SharedPage> {
    const name = `${after} ${limit} ${kinds?.join() ?? '*'}`;
    const underWay = this.#reads.get(name);
    if (underWay !== undefined) return await underWay;
    const upTo = this.#newest;
    const query: EventQuery = { key: this.key, after, before: null, kinds, order: 'asc', limit };
    const read = this.#source
      .findPage(query)
      .then(({ items, isLast }) => ({ batch: new Batch(items), isLast, upTo }))
      .finally(() => this.#reads.delete(name));
    this.#reads.set(name, read);
    return await read;
  }

  /** Events were stored up to `seq`; some may have come along. */
  notice({ seq, events }: Pick<Signal & { type: 'events' }, 'seq' | 'events'>): void {
    this.#newest = Math.max(this.#newest, seq);
    if (this.#live.size === 0 || this.#isFilling) return;
    for (const event of events) if (event.seq === this.#tail + 1) this.#append(toLogItem(event));
    if (this.#newest > this.#tail) void this.#fill();
    else if (this.#pending.length > 0) this.#immediate ??= setImmediate(() => this.#flush());
  }

  noticeDelta(signal: DeltaSignal): void {
    if (![...this.#live].some((follower) => follower.wantsDeltas)) return;
    this.#pending.push({
      seq: null,
      kind: 'delta',
      json: passing('delta', toDeltaView(signal), signal.turnId),
    });
    this.#timer ??= setTimeout(() => this.#flush(), DELTA_WINDOW_MS);
  }

  /** The session was deleted. */
  end(): void {
    this.#flush();
    for (const follower of [...this.#followers]) follower.end();
  }

  #append(item: LogItem): void {
    this.#pending.push(item);
    this.#tail = item.seq;
  }

  /** Reads what is missing at the tail: an event too large for its signal, or a signal that was lost. */
  async #fill(): Promise<void> {
    if (this.#isFilling) return;
    this.#isFilling = true;
    try {
      while (this.#live.size > 0 && this.#newest > this.#tail) {
        const after = this.#tail;
        const { items } = await this.#source.findPage({
          key: this.key,
          after,
          before: null,
          kinds: null,
          order: 'asc',
          limit: FILL_PAGE,
        });
        // Everybody left meanwhile, and somebody else may have joined elsewhere.
        if (this.#tail !== after) continue;
        // Deleted: the signal of that, or the sweep, ends the streams.
        if (items.length === 0) break;
        for (const item of items) this.#append(item);
        this.#flush();
      }
    } catch (error) {
      this.#source.onError(error);
    } finally {
      this.#isFilling = false;
    }
  }

  /** Everything that has come goes out, in its order. */
  #flush(): void {
    const batch = new Batch(this.#pending);
    this.#clearPending();
    this.#head = this.#tail;
    for (const follower of this.#live) follower.take(batch);
  }

  #clearPending(): void {
    this.#pending = [];
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#immediate = this.#timer = null;
  }
}

function toLogItem(event: StoredEvent): LogItem {
  return { seq: event.seq, kind: event.kind, json: JSON.stringify(toEventView(event)) };
}
