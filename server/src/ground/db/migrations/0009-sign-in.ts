import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // One row: tells this installation from others on the same host, whose cookies browsers send along.
  await sql`
    create table installation (
      is_only boolean primary key default true check (is_only),
      id uuid not null
    )`.execute(db);
  await sql`insert into installation (id) values (gen_random_uuid())`.execute(db);

  // key_hash: of the secret that it is worth as much as. owns_key: the key was made for it, and ends with it.
  await sql`
    create table sign_ins (
      hash bytea primary key,
      tenant_id text not null,
      api_key_id text not null references api_keys (id) on delete cascade,
      key_hash bytea not null,
      owns_key boolean not null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index sign_ins_by_key on sign_ins (api_key_id, created_at)`.execute(db);
  await sql`create index sign_ins_by_end on sign_ins (expires_at)`.execute(db);

  // Without a key: for the local operator, whose key is made when the code is used.
  await sql`
    create table sign_in_codes (
      hash bytea primary key,
      tenant_id text not null,
      api_key_id text references api_keys (id) on delete cascade,
      expires_at timestamptz not null
    )`.execute(db);
  await sql`create index sign_in_codes_by_end on sign_in_codes (expires_at)`.execute(db);

  await sql`alter table stream_tickets add column sign_in_hash bytea`.execute(db);
}
