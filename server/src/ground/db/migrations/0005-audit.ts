import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Names keys, sessions and tenants that may be gone: no foreign keys. The tenant of who showed no key is null.
  await sql`
    create table audit_log (
      id uuid primary key,
      tenant_id text,
      at timestamptz not null default now(),
      actor_id text,
      actor text not null,
      ip text not null,
      request_id text not null,
      action text not null,
      object_type text,
      object_id text,
      outcome text not null check (outcome in ('done', 'denied', 'failed')),
      status smallint not null,
      details json not null
    )`.execute(db);
  await sql`create index audit_log_by_tenant on audit_log (tenant_id, id)`.execute(db);
  await sql`create index audit_log_by_object on audit_log (object_id, id) where object_id is not null`.execute(
    db,
  );
  await sql`
    create function refuse_change_of_audit_log() returns trigger language plpgsql as $$
    begin
      raise exception 'the audit log is append-only';
    end $$`.execute(db);
  await sql`
    create trigger audit_log_is_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_change_of_audit_log()`.execute(db);

  await sql`
    create table stream_tickets (
      hash bytea primary key,
      tenant_id text not null,
      api_key_id text,
      session_id uuid,
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index stream_tickets_by_end on stream_tickets (expires_at)`.execute(db);
}
