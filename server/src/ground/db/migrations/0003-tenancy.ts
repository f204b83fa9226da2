import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A rotated key has two secrets for a while. A revoked one stays: what it did still names it.
  await sql`
    create table api_keys (
      id text primary key,
      tenant_id text not null,
      name text not null,
      scopes text[] not null,
      hash bytea not null,
      previous_hash bytea,
      previous_expires_at timestamptz,
      requests_per_second double precision check (requests_per_second > 0),
      max_active_sessions integer check (max_active_sessions > 0),
      max_queued_turns integer check (max_queued_turns > 0),
      created_at timestamptz not null default now(),
      created_by text not null,
      expires_at timestamptz,
      revoked_at timestamptz,
      last_used_at timestamptz,
      check ((previous_hash is null) = (previous_expires_at is null))
    )`.execute(db);
  await sql`create index api_keys_by_tenant on api_keys (tenant_id, created_at, id)`.execute(db);

  // Of the pepper that all keys are hashed with: one row.
  await sql`
    create table key_pepper (
      is_only boolean primary key default true check (is_only),
      fingerprint bytea not null
    )`.execute(db);

  // Who asked for it; null is the local user of a server without keys.
  await sql`alter table sessions add column api_key_id text`.execute(db);
  await sql`alter table turns add column api_key_id text`.execute(db);
  await sql`
    create index turns_active_by_key on turns (api_key_id)
    where api_key_id is not null and state in ('queued', 'running')`.execute(db);
}
