import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Where a waiting message stands among those of its kind: in the order of arrival, until somebody moves it.
  await sql`alter table turns add column place bigint not null default 0`.execute(db);
  // Of what has ended nobody asks; there may be very much of it.
  await sql`update turns set place = number where state = 'queued'`.execute(db);
  await sql`drop index turns_queued`.execute(db);
  await sql`
    create index turns_queued on turns (session_id, urgency desc, place) where state = 'queued'`.execute(db);

  // Saved bodies of POST /execute/. As text and not as jsonb, which refuses some of what a prompt may hold.
  await sql`
    create table presets (
      id uuid primary key,
      tenant_id text not null,
      name text not null,
      description text,
      options json not null,
      created_by text not null,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint presets_by_name unique (tenant_id, name)
    )`.execute(db);
}
