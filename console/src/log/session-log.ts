import type {
  Approval,
  DeltaEvent,
  EventPage,
  EventQuery,
  SessionEvent,
  StreamEvent,
} from '@greenroom/client';
import type { Follower } from '../live/live-connection.ts';
import { KeyedStore } from '../util/keyed-store.ts';
import { Store } from '../util/store.ts';
import type { Agent } from './agents.ts';
import type { TranscriptItem } from './item.ts';
import { MAIN } from './item-lists.ts';
import { Transcript } from './transcript.ts';

/*
 * The log of one open session: its newest events by page, older ones when they are asked for, and what happens from then
 * on. Whoever shows it follows single rows, so that a token that comes changes one.
 *
 *   loading ──first page──▶ open ──the stream says end──▶ deleted     keeps what it has
 *      │ ├──404──▶ missing                 reset: forgets what it has; the stream gives it all
 *      │ └──another error──▶ failed ──retry──▶ loading
 */

export type LogState =
  | { name: 'loading' }
  | { name: 'open' }
  | { name: 'missing' }
  | { name: 'failed'; error: unknown }
  | { name: 'deleted' };

/** How the pages before the first event that is there stand. */
export type OlderState = { name: 'none' | 'more' | 'loading' } | { name: 'failed'; error: unknown };

/** `task`: one of its background tasks began or ended. */
export type News = 'turn' | 'session' | 'approval' | 'task';

export type LogParts = {
  readPage(query: EventQuery): Promise<EventPage>;
  follow(follower: Follower): () => void;
  /** What else is known of the session is out of date. */
  onNews(news: ReadonlySet<News>): void;
  /** Of what happens from now on, not of what is read. */
  onApproval(approval: Approval): void;
  /** Soon, and once for all that comes until then. */
  schedule(work: () => void): void;
  later(work: () => void, ms: number): void;
  now(): number;
};

const PAGE = 200;
/** In which an agent that was interrupted has said what it had, or is killed. */
const LAST_WORDS_MS = 3_000;
/** For long ways back. */
const LARGE_PAGE = 1_000;

export class SessionLog {
  readonly state = new Store<LogState>({ name: 'loading' });
  readonly older = new Store<OlderState>({ name: 'none' });
  readonly items = new KeyedStore<TranscriptItem>();
  /** Keys of items in their order: of the agent (`MAIN`), and of each subagent by the call that began it. */
  readonly orders = new KeyedStore<readonly string[]>();
  readonly agents = new KeyedStore<Agent>();
  readonly agentIds = new Store<readonly string[]>([]);
  /** The newest event that there is. */
  readonly newest = new Store(0);
  readonly #parts: LogParts;
  #transcript = new Transcript();
  #waiting: (SessionEvent | { delta: DeltaEvent; at: number })[] = [];
  #received = 0;
  #isScheduled = false;
  #users = 0;
  #unfollow: (() => void) | null = null;
  #reading: Promise<void> | null = null;

  constructor(parts: LogParts) {
    this.#parts = parts;
  }

  /** Follows it until the last who opened it has closed it. */
  open(): () => void {
    this.#users++;
    if (this.state.get().name === 'loading') void this.load();
    else this.#follow();
    return () => {
      if (--this.#users === 0) this.#rest();
    };
  }

  async load(): Promise<void> {
    this.#reading ??= this.#readNewest().finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  /** One page more before what is there; `until`: as many as it takes to that event. */
  async loadOlder(until?: number): Promise<void> {
    if (until === undefined && this.#reading !== null) return await this.#reading;
    while (this.#reading !== null) await this.#reading;
    if (this.older.get().name === 'none' || this.first <= (until ?? 0)) return;
    this.#reading = this.#readOlder(until).finally(() => {
      this.#reading = null;
    });
    await this.#reading;
  }

  get isOpen(): boolean {
    return this.#users > 0;
  }

  /** What is copied of it, searched, and jumped to. */
  get transcript(): Transcript {
    return this.#transcript;
  }

  get first(): number {
    return this.#transcript.events[0]?.seq ?? 0;
  }

  async #readNewest(): Promise<void> {
    this.state.set({ name: 'loading' });
    try {
      const page = await this.#parts.readPage({ order: 'desc', limit: PAGE });
      for (const event of page.events.toReversed()) this.#transcript.append(event);
      this.#received = page.events[0]?.seq ?? 0;
      this.older.set({ name: page.has_more ? 'more' : 'none' });
      this.#publish();
      this.state.set({ name: 'open' });
      this.#follow();
    } catch (error) {
      this.state.set(isNotFound(error) ? { name: 'missing' } : { name: 'failed', error });
    }
  }

  async #readOlder(until: number | undefined): Promise<void> {
    this.older.set({ name: 'loading' });
    const transcript = this.#transcript;
    try {
      const limit = until === undefined ? PAGE : LARGE_PAGE;
      const found: SessionEvent[][] = [];
      let before = this.first;
      let hasMore = true;
      do {
        const page = await this.#parts.readPage({ order: 'desc', limit, before });
        // The log was reset meanwhile, and has it all.
        if (transcript !== this.#transcript) return;
        found.unshift(page.events.toReversed());
        before = found[0]?.[0]?.seq ?? 1;
        hasMore = page.has_more;
      } while (hasMore && until !== undefined && before > until);
      this.#flush();
      transcript.prepend(found.flat());
      this.older.set({ name: hasMore ? 'more' : 'none' });
      this.#publish();
    } catch (error) {
      if (transcript === this.#transcript) this.older.set({ name: 'failed', error });
    }
  }

  #follow(): void {
    if (this.#users === 0 || this.#unfollow !== null || this.state.get().name !== 'open') return;
    this.#unfollow = this.#parts.follow({
      after: () => this.#received,
      take: (event) => this.#take(event),
      end: () => this.#end(),
    });
  }

  #rest(): void {
    this.#unfollow?.();
    this.#unfollow = null;
    this.#flush();
    this.#transcript.dropDrafts();
    this.#publish();
  }

  #end(): void {
    this.#flush();
    this.state.set({ name: 'deleted' });
    this.#rest();
  }

  #take(event: StreamEvent): void {
    if (event.kind === 'reset') {
      this.#reset(event.data.first_seq);
      return;
    }
    if (event.kind === 'delta') this.#waiting.push({ delta: event, at: this.#parts.now() });
    else {
      if (event.seq <= this.#received) return;
      this.#received = event.seq;
      this.#waiting.push(event);
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#parts.schedule(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #reset(firstSeq: number | null): void {
    this.#waiting = [];
    this.#received = (firstSeq ?? 1) - 1;
    for (const list of this.#transcript.lists.names()) this.orders.set(list, noKeys);
    for (const key of [...this.items.keys()]) this.items.set(key, undefined);
    this.#transcript = new Transcript();
    this.older.set({ name: 'none' });
    this.newest.set(0);
    this.#publish();
    this.#parts.onNews(new Set(['turn', 'session', 'approval']));
  }

  /** What has come since the last frame. */
  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const entry of waiting) {
      if ('delta' in entry) this.#transcript.write(entry.delta, entry.at);
      else this.#append(entry);
    }
    this.#publish();
    if (this.#transcript.hasBrokenDrafts) this.#parts.later(() => this.#dropBroken(), LAST_WORDS_MS);
    const news = new Set(waiting.flatMap((entry) => ('delta' in entry ? [] : newsOf(entry))));
    if (news.size > 0) this.#parts.onNews(news);
  }

  #append(event: SessionEvent): void {
    this.#transcript.append(event);
    if (event.kind === 'approval') this.#parts.onApproval(event.data.approval);
  }

  #dropBroken(): void {
    this.#transcript.dropBrokenDrafts();
    this.#publish();
  }

  /** Tells those who follow what changed. */
  #publish(): void {
    const { lists, agents, events } = this.#transcript;
    const changes = lists.takeChanges();
    for (const key of changes.items) this.items.set(key, lists.get(key));
    for (const list of changes.lists) this.orders.set(list, lists.order(list));
    const changedAgents = agents.takeChanges();
    for (const id of changedAgents) this.agents.set(id, agents.get(id));
    if (changedAgents.size > 0) this.agentIds.set(agents.ids());
    this.newest.set(events.at(-1)?.seq ?? 0);
  }
}

function newsOf(event: SessionEvent): News[] {
  if (event.kind === 'prompt') return ['turn'];
  if (event.kind !== 'sdk') return [event.kind];
  const { type, subtype } = event.data;
  return type === 'system' && String(subtype).startsWith('task_') ? ['task'] : [];
}

/** Where nothing is shown: of a list that has no items. */
export const noKeys: readonly string[] = [];

export function orderOf(log: SessionLog, list: string = MAIN): readonly string[] {
  return log.orders.get(list) ?? noKeys;
}

// NOTE: by its shape, so that tests of this file need no bundler.
function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'status' in error && error.status === 404;
}
