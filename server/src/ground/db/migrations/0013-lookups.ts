import { type Kysely, sql } from 'kysely';

/** What is looked for in lists that have grown long: each filter of a list has an index that leads to what it leaves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Nearly everything in a log is `sdk`: the others are found without it, and it is found by the key.
  await sql`create index events_by_kind on events (session_id, kind, seq) where kind <> 'sdk'`.execute(db);

  // In the order of the list: by time, then by id.
  await sql`drop index audit_log_by_tenant`.execute(db);
  await sql`drop index audit_log_by_object`.execute(db);
  await sql`create index audit_log_by_tenant on audit_log (tenant_id, at, id)`.execute(db);
  await sql`create index audit_log_by_action on audit_log (action, at, id)`.execute(db);
  await sql`
    create index audit_log_by_object on audit_log (object_id, at, id) where object_id is not null`.execute(
    db,
  );
  await sql`
    create index audit_log_by_actor on audit_log (actor_id, at, id) where actor_id is not null`.execute(db);
  await sql`create index audit_log_refused on audit_log (outcome, at, id) where outcome <> 'done'`.execute(
    db,
  );
}
