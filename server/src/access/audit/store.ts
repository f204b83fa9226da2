import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { AuditAction, AuditDetails, AuditOutcome } from './audit.ts';
import type { AuditLogTable } from './table.ts';

export type AuditRow = Selectable<AuditLogTable>;

export type NewAuditEntry = {
  id: string;
  tenant_id: string | null;
  actor_id: string | null;
  actor: string;
  ip: string;
  request_id: string;
  action: AuditAction;
  object_type: string | null;
  object_id: string | null;
  outcome: AuditOutcome;
  status: number;
  details: AuditDetails;
};

/** Bears being repeated: an entry is stored once. */
export async function insertAuditEntry(db: Kysely<Database>, entry: NewAuditEntry): Promise<void> {
  await db
    .insertInto('audit_log')
    .values({ ...entry, details: JSON.stringify(entry.details) })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

export type AuditFilter = {
  /** Null: those of all tenants, and of none. */
  tenantId: string | null;
  from?: Date | undefined;
  to?: Date | undefined;
  actor?: string | undefined;
  action?: AuditAction | undefined;
  object?: string | undefined;
  outcome?: AuditOutcome | undefined;
  limit: number;
  /** Id of the last entry of the page before. */
  before?: string | undefined;
};

/** Newest first. */
export async function listAuditEntries(db: Kysely<Database>, filter: AuditFilter): Promise<AuditRow[]> {
  let query = db.selectFrom('audit_log').selectAll();
  if (filter.tenantId !== null) query = query.where('tenant_id', '=', filter.tenantId);
  if (filter.from !== undefined) query = query.where('at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('at', '<', filter.to);
  if (filter.actor !== undefined) query = query.where('actor_id', '=', filter.actor);
  if (filter.action !== undefined) query = query.where('action', '=', filter.action);
  if (filter.object !== undefined) query = query.where('object_id', '=', filter.object);
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome);
  if (filter.before !== undefined) query = query.where(sql<boolean>`(at, id) < ${placeOf(filter.before)}`);
  return await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(filter.limit).execute();
}

/** Of an entry that is gone, or hidden: where its id, which begins with the time, says that it was. */
function placeOf(id: string) {
  const at = new Date(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
  return sql`(coalesce((select at from audit_log where id = ${id}), ${at}), ${id}::uuid)`;
}

/** Some of those that are older: by a function of the database, since it refuses statements. @returns how many */
export async function forgetEntries(
  db: Kysely<Database>,
  olderThanMs: number,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ deleted: number }>`
    select prune_audit_log(now() - make_interval(secs => ${olderThanMs / 1000}), ${limit}) as deleted
  `.execute(db);
  return rows[0]?.deleted ?? 0;
}
