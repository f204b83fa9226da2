import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { ITEM_BYTES, MAX_PAGE_BYTES } from '../../ground/util/page.ts';
import type { ApprovalAnswer, ApprovalDetails, ApprovalKind, ApprovalStatus } from './approval.ts';
import type { ApprovalTable } from './table.ts';

export type ApprovalRow = Selectable<ApprovalTable>;

export type NewApproval = {
  id: string;
  sessionId: string;
  tenantId: string;
  turnId: string;
  kind: ApprovalKind;
  toolName: string;
  toolUseId: string;
  agentId: string | null;
  input: Record<string, unknown>;
  details: ApprovalDetails;
  timeoutSeconds: number;
};

export async function insertApproval(
  trx: Transaction<Database>,
  approval: NewApproval,
): Promise<ApprovalRow> {
  return await trx
    .insertInto('approvals')
    .values({
      id: approval.id,
      session_id: approval.sessionId,
      tenant_id: approval.tenantId,
      turn_id: approval.turnId,
      kind: approval.kind,
      tool_name: approval.toolName,
      tool_use_id: approval.toolUseId,
      agent_id: approval.agentId,
      input: JSON.stringify(approval.input),
      details: JSON.stringify(approval.details),
      expires_at: sql<Date>`now() + make_interval(secs => ${approval.timeoutSeconds})`,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export type ApprovalKey = { tenantId: string; id: string };

export async function findApproval(db: Kysely<Database>, key: ApprovalKey): Promise<ApprovalRow | undefined> {
  return await db
    .selectFrom('approvals')
    .selectAll()
    .where('id', '=', key.id)
    .where('tenant_id', '=', key.tenantId)
    .executeTakeFirst();
}

export async function findByToolUse(
  db: Kysely<Database>,
  call: { sessionId: string; toolUseId: string },
): Promise<ApprovalRow | undefined> {
  return await db
    .selectFrom('approvals')
    .selectAll()
    .where('session_id', '=', call.sessionId)
    .where('tool_use_id', '=', call.toolUseId)
    .executeTakeFirst();
}

export async function listByIds(db: Kysely<Database>, ids: readonly string[]): Promise<ApprovalRow[]> {
  return await db.selectFrom('approvals').selectAll().where('id', 'in', ids).execute();
}

export type ApprovalPage = {
  tenantId: string;
  limit: number;
  before: string | null;
  status: ApprovalStatus | null;
  kind: ApprovalKind | null;
  sessionId: string | null;
};

/** Newest first; ids are UUID v7. A page of large calls ends early; it has at least one. `isLast`: there are no more. */
export async function listApprovals(
  db: Kysely<Database>,
  page: ApprovalPage,
): Promise<{ rows: ApprovalRow[]; isLast: boolean }> {
  const { rows } = await sql<ApprovalRow & { found: number }>`
    select approvals.*, found from (
      select id, count(*) over ()::int as found, sum(size) over (order by id desc) as bytes, size from (
        select id, ${ITEM_BYTES}::int + octet_length(input::text) + octet_length(details::text)
          + coalesce(octet_length(answer::text), 0) as size
        from approvals where tenant_id = ${page.tenantId}
          ${page.before === null ? sql`` : sql`and id < ${page.before}`}
          ${page.status === null ? sql`` : sql`and status = ${page.status}`}
          ${page.kind === null ? sql`` : sql`and kind = ${page.kind}`}
          ${page.sessionId === null ? sql`` : sql`and session_id = ${page.sessionId}`}
        order by id desc limit ${page.limit + 1}
      ) candidates
    ) page join approvals using (id)
    where bytes <= ${MAX_PAGE_BYTES} or bytes = size order by id desc limit ${page.limit}
  `.execute(db);
  return { rows, isLast: rows.length === (rows[0]?.found ?? 0) };
}

/** What a turn asked and the agent process has not been told the answer of, oldest first. */
export async function listUndelivered(db: Kysely<Database>, turnId: string): Promise<ApprovalRow[]> {
  return await db
    .selectFrom('approvals')
    .selectAll()
    .where('turn_id', '=', turnId)
    .where('delivered_at', 'is', null)
    .where('status', '!=', 'withdrawn')
    .orderBy('id')
    .execute();
}

export async function listPending(db: Kysely<Database>, sessionId: string): Promise<ApprovalRow[]> {
  return await db
    .selectFrom('approvals')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('status', '=', 'pending')
    .orderBy('id')
    .execute();
}

export type ApprovalEnd = {
  status: Exclude<ApprovalStatus, 'pending'>;
  answer: ApprovalAnswer | null;
  decidedBy: string | null;
};

export async function endApproval(
  trx: Transaction<Database>,
  id: string,
  end: ApprovalEnd,
): Promise<ApprovalRow> {
  return await trx
    .updateTable('approvals')
    .set({
      status: end.status,
      answer: end.answer === null ? null : JSON.stringify(end.answer),
      decided_by: end.decidedBy,
      decided_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** From here on the tool may have run. */
export async function markDelivered(trx: Transaction<Database>, id: string): Promise<void> {
  await trx.updateTable('approvals').set({ delivered_at: sql<Date>`now()` }).where('id', '=', id).execute();
}

/** The same call, made again under another id after its process had ended. */
export async function moveToolUse(
  trx: Transaction<Database>,
  id: string,
  toolUseId: string,
): Promise<ApprovalRow> {
  return await trx
    .updateTable('approvals')
    .set({ tool_use_id: toolUseId })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The pending one whose time was up first, and its session, among those whose session nobody has locked. */
export async function lockOverdue(
  trx: Transaction<Database>,
): Promise<Pick<ApprovalRow, 'id' | 'session_id' | 'tenant_id'> | undefined> {
  const { rows } = await sql<Pick<ApprovalRow, 'id' | 'session_id' | 'tenant_id'>>`
    select approvals.id, session_id, approvals.tenant_id
    from approvals join sessions on sessions.id = session_id
    where approvals.status = 'pending' and expires_at <= now()
    order by expires_at limit 1
    for update of approvals, sessions skip locked
  `.execute(trx);
  return rows[0];
}
