import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { Reader } from '../../ground/identity.ts';
import { toPage } from '../../ground/util/page.ts';
import { commit } from '../commit.ts';
import type { EventBus } from '../event/bus.ts';
import { throwNotFound } from '../service.ts';
import type { SessionKey } from '../store.ts';
import type { SummaryFilter } from './filter.ts';
import type { MarksRequest, SessionCounts } from './marks.ts';
import { changeMarks, type Marks, markAllRead, meetReader } from './marks-store.ts';
import {
  countSessions,
  findSummaries,
  listIds,
  listUnread,
  MAX_LOOKED_AT,
  type SummaryPage,
} from './store.ts';
import type { SessionSummary } from './summary.ts';

type Services = { db: Kysely<Database>; bus: EventBus };

export { meetReader };

/** Newest first. `next` is the cursor of the page after this one, null on the last. */
export async function readSummaries(
  db: Kysely<Database>,
  reader: Reader,
  page: SummaryPage,
): Promise<{ summaries: SessionSummary[]; next: string | null }> {
  await meetReader(db, reader);
  const { ids, next } = await listIds(db, reader, page);
  const { tenantId, name } = reader;
  const found = await findSummaries(db, { tenantId, readers: [name] }, ids);
  const { items: summaries, next: cut } = toPage(found, {
    limit: page.limit,
    show: ({ summary }) => summary,
    cursorOf: ({ summary }) => summary.session_id,
  });
  return { summaries, next: cut ?? next };
}

export async function readCounts(
  db: Kysely<Database>,
  reader: Reader,
  filter: SummaryFilter,
): Promise<SessionCounts> {
  await meetReader(db, reader);
  const tallies = await countSessions(db, reader, filter);
  const count = (name: string): number => tallies.find((tally) => tally.name === name)?.found ?? 0;
  return {
    working: count('working'),
    needs_you: count('needs_you'),
    unread: count('unread'),
    idle: count('idle'),
    pinned: count('pinned'),
    archived: count('archived'),
    total: count('total'),
    is_capped: tallies.some(({ looked }) => looked >= MAX_LOOKED_AT),
  };
}

/** What the reader notes of a session; their other streams hear of it. */
export async function markSession(
  services: Services,
  { key, reader }: { key: SessionKey; reader: Reader },
  request: MarksRequest,
): Promise<Marks> {
  await meetReader(services.db, reader);
  return await commit(services, async (trx) => {
    const marks = (await changeMarks(trx, { key, reader }, request)) ?? throwNotFound(key.id);
    return { signals: [{ type: 'marks', sessionId: key.id }], value: marks };
  });
}

/** Everything that has ended is read. `marked` is how much was not. */
export async function readAll(services: Services, reader: Reader): Promise<{ marked: number; at: Date }> {
  await meetReader(services.db, reader);
  return await commit(services, async (trx) => {
    const unread = await listUnread(trx, reader);
    const at = await markAllRead(trx, reader, unread);
    return {
      signals: [{ type: 'all_read', tenantId: reader.tenantId, reader: reader.name }],
      value: { marked: unread.length, at },
    };
  });
}
