import type { Kysely } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import type { Reader } from '../ground/identity.ts';
import type { SessionKey } from '../session/store.ts';
import {
  findSummaries,
  listIds,
  listRestlessIds,
  readClock,
  type SummaryPage,
} from '../session/summary/store.ts';
import type { SessionSummary } from '../session/summary/summary.ts';

/** How sessions stand now. `gone`: asked for and not there, whoever's they are; `deleted`: the reader's tenant had them. */
export type SummaryNews = {
  summaries: readonly SessionSummary[];
  gone: readonly string[];
  deleted: readonly string[];
};

export type SummaryReader = {
  readonly reader: Reader;
  show(news: SummaryNews): void;
  /** Something may have been missed: shows all again. */
  startOver(): void;
};

const WINDOW_MS = 250;
const SWEEP_MS = 10_000;
const MAX_IDS = 500;
const MAX_RESTLESS = 1_000;

/**
 * Tells how sessions stand to whoever watches all of them. What changes is collected for 250 ms and read in one query,
 * once for all readers of a tenant. A slow sweep over what is active covers a signal that was lost.
 */
export class SummaryFeed {
  readonly #db: Kysely<Database>;
  readonly #onError: (error: unknown) => void;
  readonly #readers = new Set<SummaryReader>();
  #changed = new Set<string>();
  /** Of these it is known whose they were. */
  #deleted: SessionKey[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: { db: Kysely<Database>; onError: (error: unknown) => void }) {
    this.#db = options.db;
    this.#onError = options.onError;
  }

  add(reader: SummaryReader): void {
    this.#readers.add(reader);
    this.#sweep ??= setInterval(
      () => void this.#tell(async (id) => await listRestlessIds(this.#db, id, MAX_RESTLESS)),
      SWEEP_MS,
    ).unref();
  }

  remove(reader: SummaryReader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.stop();
  }

  /** Something changed in the session. */
  notice(sessionId: string): void {
    if (this.#readers.size === 0) return;
    this.#changed.add(sessionId);
    this.#timer ??= setTimeout(() => this.#flush(), WINDOW_MS).unref();
  }

  noticeDeleted(key: SessionKey): void {
    if (this.#readers.size === 0) return;
    this.#deleted.push(key);
    this.notice(key.id);
  }

  /** Of all, or of one reader's streams. */
  startOver(of: Reader | null = null): void {
    for (const stream of this.#readers) {
      const { tenantId, name } = stream.reader;
      if (of === null || (of.tenantId === tenantId && of.name === name)) stream.startOver();
    }
  }

  /** A page, newest first. */
  async list(
    reader: Reader,
    page: SummaryPage,
  ): Promise<{ summaries: readonly SessionSummary[]; next: string | null }> {
    const { ids, next } = await listIds(this.#db, reader, page);
    return { summaries: (await this.find(reader, ids)).summaries, next };
  }

  async find({ tenantId, name }: Reader, ids: readonly string[]): Promise<SummaryNews> {
    const found = await findSummaries(this.#db, { tenantId, readers: [name] }, ids);
    return toNews(found, ids, new Set());
  }

  async readClock(): Promise<Date> {
    return await readClock(this.#db);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#timer = this.#sweep = null;
    this.#changed.clear();
    this.#deleted = [];
  }

  #flush(): void {
    this.#timer = null;
    const ids = [...this.#changed];
    const deleted = Map.groupBy(this.#deleted, ({ tenantId }) => tenantId);
    this.#changed = new Set();
    this.#deleted = [];
    for (let from = 0; from < ids.length; from += MAX_IDS) {
      const asked = ids.slice(from, from + MAX_IDS);
      void this.#tell(async () => asked, deleted);
    }
  }

  async #tell(
    choose: (tenantId: string) => Promise<string[]>,
    deleted: ReadonlyMap<string, readonly SessionKey[]> = new Map(),
  ): Promise<void> {
    const byTenant = Map.groupBy(this.#readers, ({ reader }) => reader.tenantId);
    try {
      for (const [tenantId, streams] of byTenant) {
        const ids = await choose(tenantId);
        const readers = [...new Set(streams.map(({ reader }) => reader.name))];
        const found = await findSummaries(this.#db, { tenantId, readers }, ids);
        const byReader = Map.groupBy(found, ({ reader }) => reader);
        const own = new Set(deleted.get(tenantId)?.map(({ id }) => id));
        for (const stream of streams) stream.show(toNews(byReader.get(stream.reader.name) ?? [], ids, own));
      }
    } catch (error) {
      this.#onError(error);
    }
  }
}

function toNews(
  found: readonly { summary: SessionSummary }[],
  ids: readonly string[],
  deleted: ReadonlySet<string>,
): SummaryNews {
  const summaries = found.map(({ summary }) => summary);
  const there = new Set(summaries.map(({ session_id }) => session_id));
  const gone = ids.filter((id) => !there.has(id));
  return { summaries, gone, deleted: gone.filter((id) => deleted.has(id)) };
}
