import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { Reader } from '../../ground/identity.ts';
import { MAX_ERROR_CHARACTERS } from '../turn/turn.ts';
import { EVERYTHING, type SummaryFilter } from './filter.ts';
import { type SummaryRow, toSummary } from './row.ts';
import type { SessionState, SessionSummary } from './summary.ts';

type Condition = RawBuilder<unknown>;

/**
 * What no index leads to is looked for among so many sessions, the newest that the rest of the filter leaves; and no more
 * are counted.
 */
export const MAX_LOOKED_AT = 10_000;

/** To whom what stands. `s`, `r` and `m` are the session, its reader, and what that one noted of it. */
const state = sql<SessionState>`case
  when s.waiting_for in ('approval', 'question') then 'needs_you'
  when s.status in ('pending', 'running') then 'working'
  when s.last_seq > coalesce(m.read_seq, 0) and greatest(s.ended_at, m.unread_at) > r.read_before then 'unread'
  else 'idle' end`;

const isAsking = sql`s.waiting_for in ('approval', 'question')`;
const isActive = sql`s.status in ('pending', 'running')`;

function sessionsOf(reader: RawBuilder<unknown>, sessions = sql`sessions`): RawBuilder<unknown> {
  return sql`${sessions} s
    left join session_readers r on r.tenant_id = s.tenant_id and r.reader = ${reader}
    left join session_marks m on m.session_id = s.id and m.reader = ${reader}`;
}

export type SummaryPage = {
  filter: SummaryFilter;
  states: readonly SessionState[] | null;
  /** Only older ones; null begins with the newest. */
  before: string | null;
  limit: number;
};

/** Newest first: ids are UUID v7. Pulled one by one, so that it ends when the page is full. */
export function pageQuery(
  reader: Reader,
  { filter, states, before, limit }: SummaryPage,
): RawBuilder<{ id: string }> {
  return sql<{ id: string }>`
    select id from (
      select s.id, ${allOf([...found(filter), ...(states === null ? [] : [inStates(states)])])} as matches
      from ${sessionsOf(sql`${reader.name}`)}
      where ${allOf(lookedAt(reader, { filter, states, before }))}
      order by s.id desc limit ${MAX_LOOKED_AT}
    ) looked_at where matches order by id desc limit ${limit}`;
}

/** `next` is where a further page begins, null when there is none. A page may be short, or empty, and not be the last. */
export async function listIds(
  db: Kysely<Database>,
  reader: Reader,
  page: SummaryPage,
): Promise<{ ids: string[]; next: string | null }> {
  const { rows } = await pageQuery(reader, { ...page, limit: page.limit + 1 }).execute(db);
  const ids = rows.slice(0, page.limit).map(({ id }) => id);
  if (rows.length > page.limit) return { ids, next: ids.at(-1) ?? null };
  const { rows: ends } = await sql<{ id: string }>`
    select s.id from sessions s where ${allOf(lookedAt(reader, page))}
    order by s.id desc offset ${MAX_LOOKED_AT - 1} limit 1`.execute(db);
  return { ids, next: ends[0]?.id ?? null };
}

/** What an index may lead to. */
function lookedAt(
  { tenantId, name }: Reader,
  { filter, states, before }: Pick<SummaryPage, 'filter' | 'states' | 'before'>,
): Condition[] {
  const { statuses, isArchived, isPinned } = filter;
  const conditions: Condition[] = [sql`s.tenant_id = ${tenantId}`];
  if (isArchived !== null) conditions.push(sql`s.is_archived = ${isArchived}`);
  if (statuses !== null) conditions.push(sql`s.status = any(${statuses}::text[])`);
  if (isPinned) conditions.push(isPinnedBy({ tenantId, name }));
  if (before !== null) conditions.push(sql`s.id < ${before}`);
  if (states?.every((one) => one === 'needs_you')) conditions.push(isAsking);
  else if (states?.every((one) => one === 'needs_you' || one === 'working')) conditions.push(isActive);
  return conditions;
}

/** What each session is looked at for. */
function found({ labels, text, model }: SummaryFilter): Condition[] {
  const conditions = labels.map(
    ({ key, value }) => sql`s.metadata @> jsonb_build_object(${key}::text, ${value}::text)`,
  );
  if (model !== null) conditions.push(sql`coalesce(s.model, s.last_model) = ${model}`);
  if (text !== null) {
    const escaped = text.replaceAll(/[\\%_]/g, '\\$&');
    const part = `%${escaped}%`;
    conditions.push(
      sql`(s.title ilike ${part} or s.prompt ilike ${part} or s.id::text like ${`${escaped.toLowerCase()}%`})`,
    );
  }
  return conditions.map((condition) => sql`coalesce(${condition}, false)`);
}

function inStates(states: readonly SessionState[]): Condition {
  return sql`${state} = any(${states}::text[])`;
}

function isPinnedBy({ tenantId, name }: Reader): Condition {
  return sql`s.id in (
    select session_id from session_marks where tenant_id = ${tenantId} and reader = ${name} and is_pinned
  )`;
}

/** What may be unread: what ended last since the reader was first seen, and what they marked so. */
function maybeUnread({ tenantId, name }: Reader): RawBuilder<unknown> {
  const readBefore = sql`(
    select read_before from session_readers where tenant_id = ${tenantId} and reader = ${name}
  )`;
  return sql`(
    (select * from sessions where tenant_id = ${tenantId} and ended_at > ${readBefore}
      order by ended_at desc limit ${MAX_LOOKED_AT})
    union all
    (select marked.* from session_marks join sessions marked on marked.id = session_id
      where session_marks.tenant_id = ${tenantId} and reader = ${name} and unread_at is not null
        and marked.ended_at <= ${readBefore} limit ${MAX_LOOKED_AT})
  )`;
}

function allOf(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` and `)})`;
}

export type Tally = { name: string; looked: number; found: number };

type Kind = {
  /** Where it is looked for: in what this leaves, under these conditions. */
  looked?: { filter?: SummaryFilter; sessions?: RawBuilder<unknown>; where?: Condition };
  matches?: readonly Condition[];
};

/** How many there are of each kind, in one statement. */
export function countsQuery(reader: Reader, filter: SummaryFilter): RawBuilder<Tally> {
  const isWanted = lookedAt(reader, { filter, states: null, before: null });
  const kinds: Record<string, Kind> = {
    needs_you: { looked: { where: isAsking } },
    working: { looked: { where: isActive }, matches: [inStates(['working'])] },
    unread: {
      looked: { filter: EVERYTHING, sessions: maybeUnread(reader) },
      matches: [...isWanted, inStates(['unread'])],
    },
    idle: { matches: [inStates(['idle'])] },
    total: {},
    pinned: { looked: { where: isPinnedBy(reader) } },
    archived: { looked: { filter: { ...filter, isArchived: true } } },
  };
  const tallies = Object.entries(kinds).map(([name, kind]) => tally(reader, filter, { name, ...kind }));
  return sql<Tally>`${sql.join(tallies, sql` union all `)}`;
}

function tally(
  reader: Reader,
  filter: SummaryFilter,
  { name, looked = {}, matches = [] }: Kind & { name: string },
): RawBuilder<unknown> {
  const conditions = lookedAt(reader, { filter: looked.filter ?? filter, states: null, before: null });
  return sql`
    select ${name}::text as name, count(*)::int as looked, count(*) filter (where matches)::int as found from (
      select ${allOf([...found(filter), ...matches])} as matches
      from ${sessionsOf(sql`${reader.name}`, looked.sessions)}
      where ${allOf([...conditions, looked.where ?? sql`true`])}
      order by s.id desc limit ${MAX_LOOKED_AT}
    ) looked_at`;
}

export async function countSessions(
  db: Kysely<Database>,
  reader: Reader,
  filter: SummaryFilter,
): Promise<Tally[]> {
  return (await countsQuery(reader, filter).execute(db)).rows;
}

/** Of what the reader has not read: the ids. */
export async function listUnread(db: Kysely<Database>, reader: Reader): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select s.id from ${sessionsOf(sql`${reader.name}`, maybeUnread(reader))}
    where ${inStates(['unread'])}`.execute(db);
  return rows.map(({ id }) => id);
}

/** The same sessions as each of several readers of a tenant gets them, in one query. */
export async function findSummaries(
  db: Kysely<Database>,
  { tenantId, readers }: { tenantId: string; readers: readonly string[] },
  ids: readonly string[],
): Promise<{ reader: string; summary: SessionSummary }[]> {
  const { rows } = await sql<SummaryRow>`
    select who.reader, ${state} as state, ${columns}
    from unnest(${readers}::text[]) as who (reader) cross join ${sessionsOf(sql`who.reader`)}
    where s.tenant_id = ${tenantId} and s.id = any(${ids}::uuid[])
    order by s.id desc`.execute(db);
  return rows.map((row) => ({ reader: row.reader, summary: toSummary(row) }));
}

const columns = sql`
  s.id, s.status, s.waiting_for, s.activity, s.title, s.prompt, coalesce(s.model, s.last_model) as model,
  s.permission_mode, s.metadata, s.is_archived, s.cost_usd, s.usage, s.turn_count, s.message_count, s.last_seq,
  s.parent_id, s.api_key_id, s.created_at, s.started_at, s.ended_at, s.updated_at,
  left(s.error, ${sql.lit(MAX_ERROR_CHARACTERS)}) as error,
  case when s.waiting_for is null then 0 else (
    select count(*)::int from approvals where session_id = s.id and approvals.status = 'pending'
  ) end as pending_approvals,
  coalesce(m.is_pinned, false) as is_pinned, coalesce(m.read_seq, 0) as read_seq,
  greatest(m.changed_at, r.changed_at) as marked_at`;

/** What may have changed lately without anybody having heard of it. */
export async function listRestlessIds(
  db: Kysely<Database>,
  tenantId: string,
  limit: number,
): Promise<string[]> {
  const lately = sql`now() - interval '1 minute'`;
  const { rows } = await sql<{ id: string }>`
    (select s.id from sessions s where s.tenant_id = ${tenantId} and ${isActive} order by s.id desc limit ${limit})
    union (select id from sessions where tenant_id = ${tenantId} and ended_at > ${lately})
    union (select session_id from session_marks where tenant_id = ${tenantId} and changed_at > ${lately})
    order by id desc limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}

/** By the clock that all times of a session are from. */
export async function readClock(db: Kysely<Database>): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db);
  return rows[0]?.at ?? new Date();
}
