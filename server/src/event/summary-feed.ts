import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import { findRestlessSummaries, findSummaries, listSummaries, type SummaryQuery } from './store.ts';
import type { SessionSummary } from './summary.ts';

/** How sessions stand now; those of `asked` that are not among them do not exist any more. */
export type SummaryNews = { summaries: readonly SessionSummary[]; gone: readonly string[] };

export type SummaryReader = {
  readonly tenantId: string;
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
  #timer: NodeJS.Timeout | null = null;
  #sweep: NodeJS.Timeout | null = null;

  constructor(options: { db: Kysely<Database>; onError: (error: unknown) => void }) {
    this.#db = options.db;
    this.#onError = options.onError;
  }

  add(reader: SummaryReader): void {
    this.#readers.add(reader);
    this.#sweep ??= setInterval(() => void this.#tell(this.#findRestless), SWEEP_MS).unref();
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

  startOver(): void {
    for (const reader of this.#readers) reader.startOver();
  }

  async list(query: SummaryQuery): Promise<SessionSummary[]> {
    return await listSummaries(this.#db, query);
  }

  async find(tenantId: string, ids: readonly string[]): Promise<SummaryNews> {
    const summaries = await findSummaries(this.#db, tenantId, ids);
    const found = new Set(summaries.map((summary) => summary.session_id));
    return { summaries, gone: ids.filter((id) => !found.has(id)) };
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#timer = this.#sweep = null;
    this.#changed.clear();
  }

  #flush(): void {
    this.#timer = null;
    const ids = [...this.#changed];
    this.#changed = new Set();
    for (let from = 0; from < ids.length; from += MAX_IDS) {
      const some = ids.slice(from, from + MAX_IDS);
      void this.#tell(async (tenantId) => await this.find(tenantId, some));
    }
  }

  async #tell(find: (tenantId: string) => Promise<SummaryNews>): Promise<void> {
    const byTenant = Map.groupBy(this.#readers, (reader) => reader.tenantId);
    try {
      for (const [tenantId, readers] of byTenant) {
        const news = await find(tenantId);
        for (const reader of readers) reader.show(news);
      }
    } catch (error) {
      this.#onError(error);
    }
  }

  readonly #findRestless = async (tenantId: string): Promise<SummaryNews> => ({
    summaries: await findRestlessSummaries(this.#db, tenantId, MAX_RESTLESS),
    gone: [],
  });
}
