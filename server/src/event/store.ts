import { type Kysely, sql, type Transaction, type UpdateObject } from 'kysely';
import type { Database } from '../db/database.ts';
import { type EventDraft, isMessage, type StoredEvent } from './event.ts';

/** One activation's events: appended only while its fence is the session's newest. */
export type FencedDraft = { sessionId: string; fence: number; draft: EventDraft };

type AppendedRow = { session_id: string; seq: number; n: number };

/**
 * Appends the drafts of many sessions in one statement. `seq` and the fence come from the session rows that the same
 * statement locks, so numbering stays dense and a stale fence appends nothing. `batchId` makes a repeat harmless.
 *
 * @returns the drafts that were stored, with their `seq`; those missing had a stale fence, or were stored by an
 * earlier try of the same batch (see `findRepeated`).
 */
export async function appendFenced(
  db: Kysely<Database>,
  batchId: string,
  items: readonly FencedDraft[],
): Promise<(StoredEvent & { index: number })[]> {
  const { rows } = await sql<AppendedRow>`
    with input as (
      select * from unnest(
        ${items.map((item) => item.sessionId)}::uuid[],
        ${items.map((item) => item.fence)}::bigint[],
        ${items.map((item) => item.draft.turnId)}::uuid[],
        ${items.map((item) => item.draft.kind)}::text[],
        ${items.map((item) => JSON.stringify(item.draft.data))}::text[],
        ${items.map((item) => item.draft.at.toISOString())}::timestamptz[],
        ${items.map((item) => isMessage(item.draft))}::boolean[]
      ) with ordinality as input (session_id, fence, turn_id, kind, data, at, is_message, n)
    ), counts as (
      select session_id, fence, count(*) as events, count(*) filter (where is_message) as messages
      from input group by session_id, fence
    ), numbered as (
      update sessions set
        last_seq = sessions.last_seq + counts.events,
        message_count = sessions.message_count + counts.messages,
        last_batch = ${batchId}::uuid,
        updated_at = now()
      from counts
      where sessions.id = counts.session_id and sessions.fence = counts.fence
        and sessions.last_batch is distinct from ${batchId}::uuid
      returning sessions.id, sessions.tenant_id, sessions.fence, sessions.last_seq - counts.events as base
    ), placed as (
      select input.*, numbered.tenant_id,
        numbered.base + row_number() over (partition by input.session_id order by input.n) as seq
      from input join numbered on numbered.id = input.session_id and numbered.fence = input.fence
    ), stored as (
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select session_id, seq, tenant_id, turn_id, kind, data::json, at from placed
    )
    select session_id, seq, n::int as n from placed
  `.execute(db);
  return rows.flatMap(({ seq, n }) => {
    const item = items[n - 1];
    return item === undefined ? [] : [{ ...stored(item.sessionId, Number(seq), item.draft), index: n - 1 }];
  });
}

/** Sessions whose part of the batch an earlier try has already stored, with their newest `seq`. */
export async function findRepeated(
  db: Kysely<Database>,
  batchId: string,
  sessionIds: readonly string[],
): Promise<{ id: string; last_seq: number }[]> {
  return await db
    .selectFrom('sessions')
    .select(['id', 'last_seq'])
    .where('id', 'in', sessionIds)
    .where('last_batch', '=', batchId)
    .execute();
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

export type EventPage = {
  sessionId: string;
  /** Only events with a larger `seq`. */
  after: number;
  limit: number;
};

export async function listEvents(db: Kysely<Database>, page: EventPage): Promise<StoredEvent[]> {
  const rows = await db
    .selectFrom('events')
    .select(['session_id', 'seq', 'turn_id', 'kind', 'data', 'at'])
    .where('session_id', '=', page.sessionId)
    .where('seq', '>', page.after)
    .orderBy('seq')
    .limit(page.limit)
    .execute();
  return rows.map((row) => {
    const body = { kind: row.kind, data: row.data } as Pick<StoredEvent, 'kind' | 'data'>;
    return {
      ...body,
      sessionId: row.session_id,
      seq: row.seq,
      turnId: row.turn_id,
      at: row.at,
    } as StoredEvent;
  });
}

/** The agent's messages of a session, oldest first: what the classic API shows. */
export async function listSdkMessages(
  db: Kysely<Database>,
  sessionId: string,
): Promise<{ data: { type: string }; at: Date }[]> {
  const rows = await db
    .selectFrom('events')
    .select(['data', 'at'])
    .where('session_id', '=', sessionId)
    .where('kind', '=', 'sdk')
    .orderBy('seq')
    .execute();
  return rows as { data: { type: string }; at: Date }[];
}
