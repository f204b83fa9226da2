import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { Reader } from '../../ground/identity.ts';
import type { SessionKey } from '../store.ts';
import type { MarksRequest } from './marks.ts';

/** Notes when the reader was first seen: what ended before is no news to them. */
export async function meetReader(db: Kysely<Database>, { tenantId, name }: Reader): Promise<void> {
  const known = await sql`
    select from session_readers where tenant_id = ${tenantId} and reader = ${name}`.execute(db);
  if (known.rows.length > 0) return;
  await sql`
    insert into session_readers (tenant_id, reader) values (${tenantId}, ${name})
    on conflict do nothing`.execute(db);
}

export type Marks = { read_seq: number; is_pinned: boolean; changed_at: Date };

/** @returns undefined where there is no such session */
export async function changeMarks(
  db: Kysely<Database>,
  { key, reader }: { key: SessionKey; reader: Reader },
  request: MarksRequest,
): Promise<Marks | undefined> {
  const readSeq = request.read_seq ?? null;
  const pinned = request.pinned ?? null;
  const isUnread = request.unread === true;
  const { rows } = await sql<Marks>`
    insert into session_marks as marks (tenant_id, session_id, reader, read_seq, unread_at, is_pinned)
    select tenant_id, id, ${reader.name}, least(${readSeq ?? 0}::bigint, last_seq),
      case when ${isUnread} then clock_timestamp() end, coalesce(${pinned}::boolean, false)
    from sessions where id = ${key.id} and tenant_id = ${key.tenantId} for key share
    on conflict (session_id, reader) do update set
      read_seq = case when ${isUnread} then 0 else greatest(marks.read_seq, excluded.read_seq) end,
      unread_at = case when ${isUnread} or ${readSeq !== null} then excluded.unread_at else marks.unread_at end,
      is_pinned = coalesce(${pinned}::boolean, marks.is_pinned),
      changed_at = clock_timestamp()
    returning read_seq, is_pinned, changed_at`.execute(db);
  return rows[0];
}

// An end shows its time when it is committed, which is a little later.
const SETTLED = sql`now() - interval '10 seconds'`;

/** Those that are named are read, and whatever ended a while ago. @returns when */
export async function markAllRead(
  trx: Transaction<Database>,
  { tenantId, name }: Reader,
  unread: readonly string[],
): Promise<Date> {
  await sql`
    insert into session_marks (tenant_id, session_id, reader, read_seq)
    select s.tenant_id, s.id, ${name}, s.last_seq
    from sessions s left join session_marks m on m.session_id = s.id and m.reader = ${name}
    where s.tenant_id = ${tenantId} and s.id = any(${unread}::uuid[])
      and greatest(s.ended_at, m.unread_at) >= ${SETTLED}
    order by s.id
    on conflict (session_id, reader) do update
      set read_seq = excluded.read_seq, unread_at = null, changed_at = clock_timestamp()`.execute(trx);
  const { rows } = await sql<{ changed_at: Date }>`
    update session_readers
    set read_before = greatest(read_before, ${SETTLED}), changed_at = clock_timestamp()
    where tenant_id = ${tenantId} and reader = ${name} returning changed_at`.execute(trx);
  if (rows[0] === undefined) throw new Error(`the reader ${name} was never met`);
  return rows[0].changed_at;
}
