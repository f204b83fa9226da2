import { type Kysely, type RawBuilder, sql, type Transaction, type UpdateObject } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { MAX_PAGE_BYTES } from '../../ground/util/page.ts';
import type { SessionKey } from '../store.ts';
import { taskNewsOf } from '../task/news.ts';
import { noteTasks } from '../task/store.ts';
import { signOf } from './activity.ts';
import {
  type EventDraft,
  type EventKind,
  isMessage,
  type LogItem,
  type LogRange,
  type StoredEvent,
} from './event.ts';

/*
 * Two ways in: `insertEvents`, of whoever holds the session's row lock (session/lifecycle.ts); and `appendFenced`, of the agent that
 * has its fence (event-log.ts).
 */

/** One activation's events: appended only while its fence is the session's newest. */
export type FencedDraft = { sessionId: string; fence: number; draft: EventDraft };

type AppendedRow = { session_id: string; seq: number; n: number };

/**
 * Appends the drafts of many sessions in one statement. `seq` and the fence come from the session rows that the same
 * statement locks, so numbering stays dense and a stale fence appends nothing. `batchId` makes a repeat harmless. A
 * session that somebody else has locked is left out: the others do not wait for it.
 *
 * @returns the drafts that were stored, with their `seq`; of those missing `findAppendStates` says why.
 */
export async function appendFenced(
  db: Kysely<Database>,
  batchId: string,
  items: readonly FencedDraft[],
): Promise<(StoredEvent & { index: number })[]> {
  const signs = items.map((item) => signOf(item.draft));
  const told = items.flatMap(({ sessionId, draft }, index) => {
    const news = taskNewsOf(draft);
    return news === null ? [] : [{ sessionId, n: index + 1, news }];
  });
  const { rows } = await sql<AppendedRow>`
    with input as (
      select * from unnest(
        ${items.map((item) => item.sessionId)}::uuid[],
        ${items.map((item) => item.fence)}::bigint[],
        ${items.map((item) => item.draft.turnId)}::uuid[],
        ${items.map((item) => item.draft.kind)}::text[],
        ${items.map((item) => JSON.stringify(item.draft.data))}::text[],
        ${items.map((item) => item.draft.at.toISOString())}::timestamptz[],
        ${items.map((item) => isMessage(item.draft))}::boolean[],
        ${signs.map((sign) => (sign.activity === null ? null : JSON.stringify(sign.activity)))}::text[],
        ${signs.map((sign) => sign.model)}::text[]
      ) with ordinality as input (session_id, fence, turn_id, kind, data, at, is_message, activity, model, n)
    ), counts as (
      select session_id, fence, count(*) as events, count(*) filter (where is_message) as messages,
        (array_agg(activity order by n desc) filter (where activity is not null))[1]::json as activity,
        (array_agg(model order by n desc) filter (where model is not null))[1] as model
      from input group by session_id, fence
    ), locked as (
      select sessions.id, sessions.fence from sessions
      join counts on sessions.id = counts.session_id and sessions.fence = counts.fence
      for no key update of sessions skip locked
    ), numbered as (
      update sessions set
        last_seq = sessions.last_seq + counts.events,
        message_count = sessions.message_count + counts.messages,
        activity = coalesce(counts.activity, sessions.activity),
        last_model = coalesce(counts.model, sessions.last_model),
        last_batch = ${batchId}::uuid,
        updated_at = now()
      from counts join locked on locked.id = counts.session_id and locked.fence = counts.fence
      where sessions.id = counts.session_id and sessions.fence = counts.fence
        and sessions.last_batch is distinct from ${batchId}::uuid
      returning sessions.id, sessions.tenant_id, sessions.fence, sessions.last_seq - counts.events as base
    ), placed as (
      select input.session_id, turn_id, kind, data, at, n, numbered.tenant_id,
        numbered.base + row_number() over (partition by input.session_id order by input.n) as seq
      from input join numbered on numbered.id = input.session_id and numbered.fence = input.fence
    ), stored as (
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select session_id, seq, tenant_id, turn_id, kind, data::json, at from placed
    )${noteTasks(told)}
    select session_id, seq, n::int as n from placed
  `.execute(db);
  return rows.flatMap(({ seq, n }) => {
    const item = items[n - 1];
    return item === undefined ? [] : [{ ...stored(item.sessionId, Number(seq), item.draft), index: n - 1 }];
  });
}

/** What decides whether events may still be appended to a session, and the newest `seq`. */
export type AppendState = { id: string; fence: number; last_batch: string | null; last_seq: number };

/** Of those of the sessions that still exist. */
export async function findAppendStates(
  db: Kysely<Database>,
  sessionIds: readonly string[],
): Promise<Map<string, AppendState>> {
  const { rows } = await sql<AppendState>`
    select id, fence, last_batch, last_seq from sessions where id = any(${sessionIds}::uuid[])
  `.execute(db);
  return new Map(rows.map((row) => [row.id, row]));
}

/** What else of the session's row changes with its events. */
export type SessionChanges = UpdateObject<Database, 'sessions'>;

/** Appends inside a transaction that holds the session's row lock; the caller publishes after the commit. */
export async function insertEvents(
  trx: Transaction<Database>,
  sessionId: string,
  drafts: readonly EventDraft[],
  changes: SessionChanges = {},
): Promise<StoredEvent[]> {
  if (drafts.length === 0) return [];
  const session = await trx
    .updateTable('sessions')
    .set((eb) => ({
      last_seq: eb('last_seq', '+', drafts.length),
      message_count: eb('message_count', '+', drafts.filter(isMessage).length),
      updated_at: sql<Date>`now()`,
      ...changes,
    }))
    .where('id', '=', sessionId)
    .returning(['last_seq', 'tenant_id'])
    .executeTakeFirstOrThrow();
  const base = session.last_seq - drafts.length;
  const events = drafts.map((draft, index) => stored(sessionId, base + index + 1, draft));
  await trx
    .insertInto('events')
    .values(
      events.map((event) => ({
        session_id: sessionId,
        seq: event.seq,
        tenant_id: session.tenant_id,
        turn_id: event.turnId,
        kind: event.kind,
        data: JSON.stringify(event.data),
        at: event.at,
      })),
    )
    .execute();
  return events;
}

function stored(sessionId: string, seq: number, draft: EventDraft): StoredEvent {
  return { ...draft, sessionId, seq };
}

export type EventQuery = {
  key: SessionKey;
  /** Only events with a larger `seq`, and with a smaller one. */
  after: number;
  before: number | null;
  /** null is all. */
  kinds: readonly EventKind[] | null;
  order: 'asc' | 'desc';
  limit: number;
};

/** `isLast`: there is nothing beyond it. A page may hold fewer events than were asked for, since it is bounded in bytes. */
export type EventPage = { items: LogItem[]; isLast: boolean };

// As stored, that is compressed; enough for a full page of usual events. No more is unpacked in order to be measured.
const STORED_PAGE_BYTES = 1_000_000;
/**
 * A page of the log as finished JSON, the same text as `JSON.stringify(toEventView(event))`. The database puts it
 * together, so that what an event holds passes through here unparsed.
 */
export async function findEventPage(db: Kysely<Database>, query: EventQuery): Promise<EventPage> {
  const { limit } = query;
  const order = sql.raw(query.order);
  const { rows } = await sql<LogItem & { found: number }>`
    select seq, kind, found, json from (
      select seq, kind, found, json,
        sum(octet_length(json)) over (order by seq ${order} rows unbounded preceding) as bytes
      from (
        select seq, kind, found, '{"seq":' || seq || ',"kind":"' || kind
          || '","turn_id":' || coalesce('"' || turn_id || '"', 'null')
          || ',"at":"' || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
          || '","data":' || data || '}' as json
        from (
          select *, count(*) over () as found,
            sum(pg_column_size(data)) over (order by seq ${order} rows unbounded preceding)
              - pg_column_size(data) as bytes_before
          from (
            select * from (${candidates(query)}) found order by seq ${order} limit ${limit}
          ) candidates
        ) stored
        where bytes_before < ${STORED_PAGE_BYTES}
      ) rendered
    ) page
    where bytes <= ${MAX_PAGE_BYTES} or bytes = octet_length(json) order by seq ${order}
  `.execute(db);
  const isLast = rows.length === (rows[0]?.found ?? 0) && rows.length < limit;
  return { items: rows.map(({ seq, kind, json }) => ({ seq, kind, json })), isLast };
}

/** Each kind is looked for by itself: an index leads to the few that are not of the agent's messages. */
function candidates({ kinds, ...query }: EventQuery): RawBuilder<unknown> {
  const { key, after, before, limit } = query;
  const select = (isOfKind: RawBuilder<unknown>) => sql`
    (select seq, kind, turn_id, at, data from events
    where tenant_id = ${key.tenantId} and session_id = ${key.id} and seq > ${after}
      ${before === null ? sql`` : sql`and seq < ${before}`} ${isOfKind}
    order by seq ${sql.raw(query.order)} limit ${limit})`;
  if (kinds === null) return select(sql``);
  return sql.join(
    [...new Set(kinds)].map((kind) => select(sql`and kind = ${kind}`)),
    sql` union all `,
  );
}

export async function findLogRange(db: Kysely<Database>, key: SessionKey): Promise<LogRange | undefined> {
  const { rows } = await sql<LogRange>`
    select last_seq as "lastSeq",
      (select min(seq) from events where session_id = sessions.id) as "firstSeq"
    from sessions where tenant_id = ${key.tenantId} and id = ${key.id}
  `.execute(db);
  return rows[0];
}

/** Of those sessions that still exist, the newest `seq`. */
export async function findLastSeqs(
  db: Kysely<Database>,
  keys: readonly SessionKey[],
): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; last_seq: number }>`
    select id, last_seq from sessions where (tenant_id, id) in (
      select * from unnest(${keys.map((key) => key.tenantId)}::text[], ${keys.map((key) => key.id)}::uuid[])
    )
  `.execute(db);
  return new Map(rows.map((row) => [row.id, row.last_seq]));
}

/** A stretch of a log: `after < seq <= upTo`. */
export type SeqRange = { after: number; upTo: number };

/** The agent's messages in a stretch of the log, oldest first, as they were written. */
export async function listSdkMessages(
  db: Kysely<Database>,
  { sessionId, after, upTo }: SeqRange & { sessionId: string },
): Promise<{ text: string; at: Date }[]> {
  const { rows } = await sql<{ text: string; at: Date }>`
    select data::text as text, at from events
    where session_id = ${sessionId} and seq > ${after} and seq <= ${upTo} and kind = 'sdk' order by seq
  `.execute(db);
  return rows;
}

// So much of a chunk is unpacked in order to measure it.
const MEASURED_BYTES = 8_000_000;

/**
 * The sizes in bytes of the first of those messages, in either order: `limit` at most, and fewer where they are large.
 * None only where there is none.
 */
export async function listMessageSizes(
  db: Kysely<Database>,
  query: SeqRange & { sessionId: string; order: 'asc' | 'desc'; limit: number },
): Promise<{ seq: number; bytes: number }[]> {
  const order = sql.raw(query.order);
  const { rows } = await sql<{ seq: number; bytes: number }>`
    select seq, octet_length(data::text) as bytes from (
      select seq, data, sum(pg_column_size(data)) over (order by seq ${order}) - pg_column_size(data) as bytes_before
      from (
        select seq, data from events
        where session_id = ${query.sessionId} and seq > ${query.after} and seq <= ${query.upTo} and kind = 'sdk'
        order by seq ${order} limit ${query.limit}
      ) candidates
    ) measured
    where bytes_before < ${MEASURED_BYTES} order by seq ${order}
  `.execute(db);
  return rows;
}

// How far back, and up to which stored size, messages are looked through: nothing leads to them but their text.
const SEARCHED_MESSAGES = 10_000;
const SEARCHED_BYTES = 32_000;
// Unpacked, each and all together: what compresses well is small as stored.
const FOUND_LENGTH = 100_000;
const ALL_FOUND_LENGTH = 8_000_000;

/** Short system messages of certain subtypes among the agent's newest, oldest first. */
export async function listSystemMessages(
  db: Kysely<Database>,
  sessionId: string,
  subtypes: readonly string[],
): Promise<{ seq: number; data: unknown }[]> {
  // By text: PostgreSQL cannot look into a document with a NUL in it, which any tool may have printed.
  const patterns = subtypes.map((subtype) => `%"subtype":"${subtype}"%`);
  const { rows } = await sql<{ seq: number; data: { subtype?: string } }>`
    select seq, data from (
      select seq, data, sum(octet_length(data::text)) over (order by seq desc) as length_so_far from (
        select seq, data from events
        where session_id = ${sessionId} and kind = 'sdk' and pg_column_size(data) < ${SEARCHED_BYTES}
        order by seq desc limit ${SEARCHED_MESSAGES}
      ) newest
      where octet_length(data::text) < ${FOUND_LENGTH} and data::text like any(${patterns}::text[])
    ) found
    where length_so_far < ${ALL_FOUND_LENGTH} order by seq
  `.execute(db);
  return rows.filter(({ data }) => data.subtype !== undefined && subtypes.includes(data.subtype));
}
