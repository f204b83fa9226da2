import type { SessionStatus } from '../session/session.ts';
import type { SessionKey } from '../session/store.ts';
import type { Slots } from '../util/slots.ts';
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
import type { LogRange } from './store.ts';
import { Subscription } from './subscription.ts';
import type { SessionSummary } from './summary.ts';
import type { SummaryFeed, SummaryNews, SummaryReader } from './summary-feed.ts';

export type MultiplexedRequest = {
  tenantId: string;
  /** Whose events are wanted in full, each with the place to begin at. */
  sessions: ReadonlyMap<string, Cursor>;
  /** Whose summaries are wanted; null is all. */
  statuses: readonly SessionStatus[] | null;
  /** How many sessions the snapshot names at most, the newest. */
  limit: number;
  selection: Selection;
};

export type MultiplexedParts = {
  connection: StreamConnection;
  summaries: SummaryFeed;
  channel(key: SessionKey): SessionChannel;
  holds: Slots;
  findRange(key: SessionKey): Promise<LogRange | undefined>;
  onError(error: unknown): void;
};

// Some 50 KB: what an empty buffer has room for.
const SNAPSHOT_PAGE = 100;

/**
 * Many sessions on one connection. Full events are a log: they resume, by an id that has the place in each session.
 * Summaries are state: first a snapshot, closed by `ready`, then what changes. Those that found no room are read again
 * when there is some, as they stand then.
 */
export class MultiplexedStream implements SummaryReader {
  readonly tenantId: string;
  readonly #request: MultiplexedRequest;
  readonly #parts: MultiplexedParts;
  readonly #subscriptions = new Map<string, Subscription>();
  /** What the client was shown last, of each session that it knows. */
  readonly #shown = new Map<string, Pick<SessionSummary, 'last_seq' | 'updated_at'>>();
  readonly #ended = new Set<string>();
  #late = new Set<string>();
  #mustStartOver = true;
  #isSending = false;
  #isStopped = false;

  constructor(request: MultiplexedRequest, parts: MultiplexedParts) {
    this.tenantId = request.tenantId;
    this.#request = request;
    this.#parts = parts;
    for (const [id, cursor] of request.sessions) this.#run(this.#follow(id, cursor));
    this.#run(this.#send());
  }

  show({ summaries, gone }: SummaryNews): void {
    for (const summary of summaries) this.#showOne(summary);
    for (const id of gone) this.#showEnd(id, 'deleted');
    if (this.#late.size > 0) this.#run(this.#send());
  }

  startOver(): void {
    for (const id of this.#shown.keys()) this.#late.add(id);
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
    const key = { tenantId: this.tenantId, id };
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
      ...{ channel: this.#parts.channel(key), connection, after, ...this.#request.selection },
      format: this.#format(id),
      holds: this.#parts.holds,
      onEnd: () => this.#showEnd(id, 'deleted'),
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
        await this.#parts.connection.drained();
        if (this.#mustStartOver) await this.#sendSnapshot();
        else {
          const ids = [...this.#late].slice(0, SNAPSHOT_PAGE);
          const news = await this.#parts.summaries.find(this.tenantId, ids);
          for (const id of ids) this.#late.delete(id);
          for (const summary of news.summaries) this.#showOne(summary);
          for (const id of news.gone) this.#showEnd(id, 'deleted');
        }
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #sendSnapshot(): Promise<void> {
    this.#mustStartOver = false;
    const { tenantId, statuses, limit } = this.#request;
    let before: string | null = null;
    let sessions = 0;
    while (sessions < limit) {
      const size = Math.min(SNAPSHOT_PAGE, limit - sessions);
      const page: SessionSummary[] = await this.#parts.summaries.list({
        tenantId,
        statuses,
        before,
        limit: size,
      });
      for (const summary of page) this.#showOne(summary);
      sessions += page.length;
      before = page.at(-1)?.session_id ?? null;
      await this.#parts.connection.drained();
      if (page.length < size) break;
    }
    if (!this.#isStopped) this.#writeOrDestroy(sseFrame('ready', passing('ready', { sessions })));
  }

  #showOne(summary: SessionSummary): void {
    const { session_id: id, last_seq, updated_at } = summary;
    const shown = this.#shown.get(id);
    const isWanted = this.#request.statuses?.includes(summary.status) ?? true;
    if (shown === undefined && !isWanted) return;
    // Read before something that was shown already, or nothing new.
    if (shown !== undefined && last_seq < shown.last_seq) return;
    if (shown !== undefined && last_seq === shown.last_seq && updated_at <= shown.updated_at) return;
    if (!this.#write(sseFrame('summary', ofSession(id, passing('summary', summary))))) {
      this.#late.add(id);
      return;
    }
    // A session that leaves the selection is shown once more, so that the client knows.
    if (isWanted) this.#shown.set(id, { last_seq, updated_at });
    else this.#shown.delete(id);
  }

  #showEnd(id: string, reason: 'deleted'): void {
    if (!this.#shown.has(id) && !this.#subscriptions.has(id)) return;
    if (!this.#write(endFrame(id, reason))) {
      this.#late.add(id);
      return;
    }
    this.#shown.delete(id);
    this.#ended.add(id);
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
