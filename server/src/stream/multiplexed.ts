import type { Reader } from '../ground/identity.ts';
import type { Slots } from '../ground/util/slots.ts';
import type { LogRange } from '../session/event/event.ts';
import type { SessionStatus } from '../session/session.ts';
import type { SessionKey } from '../session/store.ts';
import { EVERYTHING, type SummaryFilter } from '../session/summary/filter.ts';
import type { SessionSummary } from '../session/summary/summary.ts';
import type { SessionChannel } from './channel.ts';
import type { StreamConnection } from './connection.ts';
import { type Cursor, renderCursors, startAt } from './cursor.ts';
import {
  accepts,
  endData,
  type Format,
  ofSession,
  passing,
  resetData,
  type Selection,
  sseFrame,
} from './frames.ts';
import { ShownSummaries } from './shown-summaries.ts';
import { Subscription } from './subscription.ts';
import type { SummaryFeed, SummaryNews, SummaryReader } from './summary-feed.ts';

export type MultiplexedRequest = {
  /** Who watches. */
  reader: Reader;
  /** Whose events are wanted in full, each with the place to begin at. */
  sessions: ReadonlyMap<string, Cursor>;
  /** Whose summaries are wanted; null is all. */
  statuses: readonly SessionStatus[] | null;
  /** Those that are archived, the others, or (null) both. */
  isArchived: boolean | null;
  /** How many sessions the snapshot names at most, the newest. */
  limit: number;
  selection: Selection;
};

export type MultiplexedParts = {
  connection: Pick<StreamConnection, 'write' | 'drained' | 'destroy'>;
  summaries: Pick<SummaryFeed, 'list' | 'find' | 'readClock'>;
  channel(key: SessionKey): SessionChannel;
  holds: Slots;
  findRange(key: SessionKey): Promise<LogRange | undefined>;
  onError(error: unknown): void;
};

// Some 50 KB: what an empty buffer has room for.
const SNAPSHOT_PAGE = 50;

/**
 * Many sessions on one connection. Full events are a log: they resume, by an id that has the place in each session.
 * Summaries are state: first a snapshot, closed by `ready`, then what changes. Those that found no room are read again
 * when there is some, as they stand then.
 */
export class MultiplexedStream implements SummaryReader {
  readonly reader: Reader;
  readonly #request: MultiplexedRequest;
  readonly #parts: MultiplexedParts;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #shown = new ShownSummaries();
  /** Of those whose events are wanted in full. */
  readonly #ended = new Set<string>();
  #late = new Set<string>();
  #mustStartOver = true;
  #isSending = false;
  #isStopped = false;

  constructor(request: MultiplexedRequest, parts: MultiplexedParts) {
    this.reader = request.reader;
    this.#request = request;
    this.#parts = parts;
    for (const [id, cursor] of request.sessions) this.#run(this.#follow(id, cursor));
    this.#run(this.#send());
  }

  show(news: SummaryNews): void {
    this.#showNews(news);
    if (this.#late.size > 0) this.#run(this.#send());
  }

  #showNews({ summaries, gone, deleted }: SummaryNews): void {
    for (const summary of summaries) this.#showOne(summary);
    // What is not there may be another tenant's.
    const own = new Set(deleted);
    for (const id of gone) {
      if (own.has(id) || this.#shown.has(id) || this.#subscriptions.has(id)) this.#showEnd(id);
    }
  }

  startOver(): void {
    for (const id of this.#shown.ids()) this.#late.add(id);
    this.#mustStartOver = true;
    this.#run(this.#send());
  }

  stop(): void {
    this.#isStopped = true;
    for (const subscription of this.#subscriptions.values()) subscription.stop();
    this.#subscriptions.clear();
  }

  #run(work: Promise<void>): void {
    work.catch((error) => {
      this.#parts.onError(error);
      this.#parts.connection.destroy();
    });
  }

  async #follow(id: string, cursor: Cursor): Promise<void> {
    const { connection } = this.#parts;
    const key = { tenantId: this.reader.tenantId, id };
    const range = await this.#parts.findRange(key);
    await connection.drained();
    if (this.#isStopped) return;
    if (range === undefined) {
      this.#ended.add(id);
      this.#writeOrDestroy(endFrame(id, 'not_found'));
      return;
    }
    const { after, reset } = startAt(cursor, range);
    if (reset !== null) this.#writeOrDestroy(sseFrame('reset', ofSession(id, resetData(reset, range))));
    const subscription = new Subscription({
      channel: this.#parts.channel(key),
      connection,
      after,
      ...this.#request.selection,
      format: this.#format(id),
      holds: this.#parts.holds,
      onEnd: () => this.#showEnd(id),
      onError: (error) => {
        this.#parts.onError(error);
        connection.destroy();
      },
    });
    this.#subscriptions.set(id, subscription);
  }

  /** Sends what waits: the snapshot, and what found no room. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (!this.#isStopped && (this.#mustStartOver || this.#late.size > 0)) {
        if (this.#mustStartOver) await this.#sendSnapshot();
        else await this.#sendLate();
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #sendLate(): Promise<void> {
    await this.#parts.connection.drained();
    const ids = [...this.#late].slice(0, SNAPSHOT_PAGE);
    const news = await this.#parts.summaries.find(this.reader, ids);
    for (const id of ids) this.#late.delete(id);
    // Whoever is late was shown, or is the reader's.
    this.#showNews({ ...news, deleted: news.gone });
  }

  async #sendSnapshot(): Promise<void> {
    this.#mustStartOver = false;
    const sessions = await this.#sendPages();
    // What found no room belongs to it as well.
    while (!this.#isStopped && this.#late.size > 0) await this.#sendLate();
    const now = (await this.#parts.summaries.readClock()).toISOString();
    await this.#parts.connection.drained();
    if (!this.#isStopped) this.#writeOrDestroy(sseFrame('ready', passing('ready', { sessions, now })));
  }

  /** @returns how many sessions the snapshot has */
  async #sendPages(): Promise<number> {
    const { statuses, isArchived, limit } = this.#request;
    const filter: SummaryFilter = { ...EVERYTHING, statuses, isArchived };
    const { summaries, connection } = this.#parts;
    let before: string | null = null;
    let sessions = 0;
    while (sessions < limit) {
      await connection.drained();
      const size = Math.min(SNAPSHOT_PAGE, limit - sessions);
      const page = await summaries.list(this.reader, { filter, states: null, before, limit: size });
      for (const summary of page.summaries) this.#showOne(summary);
      sessions += page.summaries.length;
      before = page.next;
      if (before === null) break;
    }
    return sessions;
  }

  #showOne(summary: SessionSummary): void {
    const { session_id: id } = summary;
    const isWanted = this.#wants(summary);
    if (!isWanted && !this.#shown.mayHave(id)) return;
    const json = JSON.stringify(summary);
    if (this.#shown.covers(summary, json)) return;
    if (!this.#write(sseFrame('summary', ofSession(id, passing('summary', summary))))) {
      this.#late.add(id);
      return;
    }
    // A session that leaves the selection is shown once more, so that the client knows.
    if (isWanted) this.#shown.note(summary, json);
    else this.#shown.forget(id);
  }

  #wants({ status, archived }: SessionSummary): boolean {
    const { statuses, isArchived } = this.#request;
    return (statuses?.includes(status) ?? true) && (isArchived === null || isArchived === archived);
  }

  #showEnd(id: string): void {
    if (this.#ended.has(id)) return;
    if (!this.#write(endFrame(id, 'deleted'))) {
      this.#late.add(id);
      return;
    }
    this.#shown.forget(id);
    if (this.#request.sessions.has(id)) this.#ended.add(id);
    this.#subscriptions.get(id)?.stop();
    this.#subscriptions.delete(id);
  }

  #write(frame: string): boolean {
    return !this.#isStopped && this.#parts.connection.write(Buffer.from(frame));
  }

  // For what cannot be said later. The client comes back and is told then.
  #writeOrDestroy(frame: string): void {
    if (!this.#write(frame)) this.#parts.connection.destroy();
  }

  #format(id: string): Format {
    const { selection } = this.#request;
    return {
      key: null,
      accepts: (item) => accepts(selection, item),
      render: ({ seq, kind, json }) =>
        sseFrame(kind, ofSession(id, json), seq === null ? null : this.#cursorAt(id, seq)),
    };
  }

  /** The place in each session: this event's in its own; in the others what was sent, or what the client came with. */
  #cursorAt(id: string, seq: number): string {
    const places = new Map<string, number>();
    for (const [other, cursor] of this.#request.sessions) {
      const place = this.#subscriptions.get(other)?.position ?? cursor;
      if (typeof place === 'number' && !this.#ended.has(other)) places.set(other, place);
    }
    return renderCursors(places.set(id, seq));
  }
}

function endFrame(id: string, reason: 'deleted' | 'not_found'): string {
  return sseFrame('end', ofSession(id, endData(reason)));
}
