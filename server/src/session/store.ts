import {
  type Insertable,
  type Kysely,
  type Selectable,
  type SelectQueryBuilder,
  sql,
  type Transaction,
} from 'kysely';
import { liftTimeout } from '../ground/db/client.ts';
import type { Database } from '../ground/db/database.ts';
import { oneLine } from '../ground/util/one-line.ts';
import type { Grant, SessionOptions } from './session.ts';
import type { SessionTable } from './table.ts';

export type SessionRow = Selectable<SessionTable>;

export type SessionKey = { tenantId: string; id: string };

export async function findSession(db: Kysely<Database>, key: SessionKey): Promise<SessionRow | undefined> {
  return await ofSession(db.selectFrom('sessions').selectAll(), key).executeTakeFirst();
}

/** How a session stands, without what may be large in its row and is read by few. */
export type SessionState = Pick<SessionRow, (typeof stateColumns)[number]>;

const stateColumns = [
  ...(['id', 'tenant_id', 'status', 'waiting_for', 'worker_id', 'fence', 'job_id', 'last_seq'] as const),
  ...(['turn_count', 'message_count', 'cost_usd', 'max_budget_usd', 'api_key_id'] as const),
  ...(['permission_mode', 'are_tasks_noted', 'created_at', 'started_at', 'ended_at'] as const),
] as const;

/** The row, locked until the transaction ends: every change of a session's state goes through here. */
export async function lockSession(
  trx: Transaction<Database>,
  key: SessionKey,
): Promise<SessionState | undefined> {
  return await ofSession(trx.selectFrom('sessions').select(stateColumns), key).forUpdate().executeTakeFirst();
}

/** The same with options, grants and all: up to some MB. */
export async function lockWholeSession(
  trx: Transaction<Database>,
  key: SessionKey,
): Promise<SessionRow | undefined> {
  return await ofSession(trx.selectFrom('sessions').selectAll(), key).forUpdate().executeTakeFirst();
}

function ofSession<Row>(query: SelectQueryBuilder<Database, 'sessions', Row>, key: SessionKey) {
  return query.where('id', '=', key.id).where('tenant_id', '=', key.tenantId);
}

export type NewSession = {
  id: string;
  tenantId: string;
  options: SessionOptions;
  cwd: string | null;
  title: string | null;
  metadata: Record<string, string>;
  maxBudgetUsd: number | null;
  apiKeyId: string | null;
};

/** The options, and what lists show of them. */
export function optionColumns(options: SessionOptions) {
  const { model = null, permission_mode = null } = options;
  return { options: JSON.stringify(options), model, permission_mode };
}

const PROMPT_CHARACTERS = 200;

/** What lists show of a session's first prompt. */
export function firstPrompt({ prompt }: { prompt: string }): { prompt: string | null } {
  return { prompt: oneLine(prompt, PROMPT_CHARACTERS) || null };
}

export async function updateFirstPrompt(
  trx: Transaction<Database>,
  id: string,
  prompt: { prompt: string },
): Promise<void> {
  await trx.updateTable('sessions').set(firstPrompt(prompt)).where('id', '=', id).execute();
}

export async function insertSession(trx: Transaction<Database>, session: NewSession): Promise<void> {
  await trx
    .insertInto('sessions')
    .values({ ...newRow(session), status: 'pending' })
    .execute();
}

/** What a session begins with, as its row has it. */
export function newRow(session: NewSession): Omit<Insertable<SessionTable>, 'status'> {
  return {
    id: session.id,
    tenant_id: session.tenantId,
    ...optionColumns(session.options),
    cwd: session.cwd,
    title: session.title,
    metadata: JSON.stringify(session.metadata),
    api_key_id: session.apiKeyId,
    max_budget_usd: session.maxBudgetUsd,
    usage: '{}',
  };
}

export async function updateOptions(
  trx: Transaction<Database>,
  id: string,
  options: SessionOptions,
): Promise<void> {
  await trx.updateTable('sessions').set(optionColumns(options)).where('id', '=', id).execute();
}

export async function updateGrants(
  trx: Transaction<Database>,
  id: string,
  grants: readonly Grant[],
): Promise<void> {
  await trx
    .updateTable('sessions')
    .set({ grants: JSON.stringify(grants) })
    .where('id', '=', id)
    .execute();
}

/** Sessions of the tenant that wait for a worker; counts no further than `limit`. */
export async function countPendingSessions(
  trx: Transaction<Database>,
  { tenantId, limit }: { tenantId: string; limit: number },
): Promise<number> {
  const rows = await trx
    .selectFrom('sessions')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('status', '=', 'pending')
    .limit(limit)
    .execute();
  return rows.length;
}

export async function deleteSession(trx: Transaction<Database>, key: SessionKey): Promise<void> {
  // Its events go with it.
  await liftTimeout(trx, 'statement_timeout');
  await trx.deleteFrom('sessions').where('id', '=', key.id).where('tenant_id', '=', key.tenantId).execute();
  await rememberDeleted(trx, [key.id]);
}

/** By the database's clock. */
export async function timeBefore(db: Kysely<Database>, ageMs: number): Promise<Date> {
  const { rows } = await sql<{
    at: Date;
  }>`select now() - make_interval(secs => ${ageMs / 1000}) as at`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database told no time');
  return row.at;
}

export type EndedSessions = {
  /** Null is all tenants. */
  tenantId: string | null;
  endedBefore: Date;
  /** Only those that ended at this time or later; null is from the first. */
  after: Date | null;
  limit: number;
  /** Of all of them together; one session may have more. */
  maxEvents: number;
};

/** In order. `after`: to go on from; null when there are no more. */
export type DeletedSessions = { sessions: SessionKey[]; after: Date | null };

/**
 * Deletes sessions that have ended, those first that ended first. Active ones are never touched, nor are those that
 * somebody holds.
 */
export async function deleteEndedSessions(
  trx: Transaction<Database>,
  { tenantId, endedBefore, after, limit, maxEvents }: EndedSessions,
): Promise<DeletedSessions> {
  await liftTimeout(trx, 'statement_timeout');
  // One at a time: a fork is changed with its parent, and two that each have a fork of the other's would wait for ever.
  await sql`select pg_advisory_xact_lock(hashtextextended('greenroom clean-up', 0))`.execute(trx);
  let ended = trx
    .selectFrom('sessions')
    .select(['id', 'tenant_id as tenantId', 'ended_at', 'last_seq'])
    .where('status', 'in', ['completed', 'error', 'cancelled'])
    .where('ended_at', '<=', endedBefore)
    .orderBy('ended_at')
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .skipLocked();
  if (tenantId !== null) ended = ended.where('tenant_id', '=', tenantId);
  if (after !== null) ended = ended.where('ended_at', '>=', after);
  const found = await ended.execute();
  const chosen = upTo(maxEvents, found);
  const sessions = chosen.map(({ id, tenantId }) => ({ id, tenantId }));
  const ids = sessions.map(({ id }) => id);
  if (ids.length === 0) return { sessions, after: null };
  await trx.deleteFrom('sessions').where('id', '=', anyOf(ids)).execute();
  await rememberDeleted(trx, ids);
  const isLast = chosen.length === found.length && found.length < limit;
  return { sessions, after: isLast ? null : (chosen.at(-1)?.ended_at ?? null) };
}

/** The first ones that have no more events together, and the first in any case. */
function upTo<Row extends { last_seq: number }>(maxEvents: number, rows: readonly Row[]): Row[] {
  let events = 0;
  const end = rows.findIndex((row, index) => {
    events += row.last_seq;
    return index > 0 && events > maxEvents;
  });
  return end === -1 ? [...rows] : rows.slice(0, end);
}

// For nodes that are away and hold directories of these sessions.
async function rememberDeleted(trx: Transaction<Database>, ids: readonly string[]): Promise<void> {
  await sql`insert into deleted_sessions (id) select unnest(${ids}::uuid[])`.execute(trx);
}

/** One parameter for any number: 65,535 are all that a statement may have. */
function anyOf(ids: readonly string[]) {
  return sql<string>`any(${ids}::uuid[])`;
}

export async function findDeletedIds(db: Kysely<Database>, among: readonly string[]): Promise<string[]> {
  const rows = await db.selectFrom('deleted_sessions').select('id').where('id', '=', anyOf(among)).execute();
  return rows.map((row) => row.id);
}

/** Some of those that were deleted longer ago. @returns how many */
export async function forgetDeleted(
  db: Kysely<Database>,
  olderThanDays: number,
  limit: number,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from deleted_sessions where id in (
      select id from deleted_sessions where deleted_at < now() - make_interval(days => ${olderThanDays})
      order by deleted_at limit ${limit} for update skip locked
    )
  `.execute(db);
  return Number(numAffectedRows);
}
