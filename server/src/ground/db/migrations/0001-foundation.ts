import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table sessions (
      id uuid primary key,
      tenant_id text not null,
      status text not null check (status in ('pending', 'running', 'completed', 'error', 'cancelled')),
      waiting_for text check (waiting_for in ('approval', 'question', 'tool')),
      title text,
      options json not null,
      cwd text,
      metadata json not null default '{}',
      claude_session_id uuid,
      parent_id uuid references sessions (id) on delete set null,
      fence bigint not null default 0,
      worker_id uuid,
      job_id uuid,
      last_seq bigint not null default 0,
      last_batch uuid,
      turn_count integer not null default 0,
      message_count integer not null default 0,
      cost_usd numeric(20, 10) not null default 0,
      usage json not null default '{}',
      error text,
      created_at timestamptz not null default now(),
      started_at timestamptz,
      ended_at timestamptz,
      updated_at timestamptz not null default now(),
      unique (tenant_id, id)
    )`.execute(db);
  await sql`create index sessions_by_status on sessions (tenant_id, status, id)`.execute(db);
  await sql`create index sessions_by_end on sessions (ended_at) where ended_at is not null`.execute(db);
  await sql`create index sessions_by_worker on sessions (worker_id) where worker_id is not null`.execute(db);

  await sql`
    create table deleted_sessions (
      id uuid primary key,
      deleted_at timestamptz not null default now()
    )`.execute(db);

  await sql`
    create table turns (
      id uuid primary key,
      session_id uuid not null,
      tenant_id text not null,
      number integer not null,
      state text not null check (state in ('queued', 'running', 'completed', 'error', 'cancelled')),
      prompt text not null,
      result json,
      error json,
      is_accounted boolean not null default false,
      cost_usd numeric(20, 10) not null default 0,
      usage json not null default '{}',
      queued_at timestamptz not null default now(),
      started_at timestamptz,
      ended_at timestamptz,
      unique (session_id, number),
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);
  // At most one turn of a session runs: P2, held by the database as well.
  await sql`create unique index turns_running on turns (session_id) where state = 'running'`.execute(db);
  await sql`create index turns_queued on turns (session_id, number) where state = 'queued'`.execute(db);

  await sql`
    create table events (
      session_id uuid not null,
      seq bigint not null,
      tenant_id text not null,
      turn_id uuid,
      kind text not null,
      data json not null,
      at timestamptz not null,
      primary key (session_id, seq),
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);

  await sql`
    create table transcripts (
      id bigint generated always as identity primary key,
      session_id uuid not null,
      tenant_id text not null,
      subpath text not null default '',
      type text not null,
      entry_uuid uuid,
      entry json not null,
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);
  await sql`create index transcripts_in_order on transcripts (session_id, subpath, id)`.execute(db);
  await sql`create unique index transcripts_once on transcripts (session_id, subpath, entry_uuid)`.execute(
    db,
  );

  await sql`
    create table workers (
      id uuid primary key,
      node_id uuid not null,
      hostname text not null,
      pid integer not null,
      max_sessions integer not null,
      started_at timestamptz not null default now(),
      heartbeat_at timestamptz not null default now()
    )`.execute(db);
}
