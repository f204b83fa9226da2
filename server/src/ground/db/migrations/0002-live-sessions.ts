import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // What an approval for the whole session granted, and what the session may cost over all its turns.
  await sql`
    alter table sessions
      add column grants json not null default '[]',
      add column max_budget_usd numeric(20, 10),
      add column forked_at bigint`.execute(db);

  await sql`
    alter table turns
      add column content json,
      add column delivery text not null default 'queue' check (delivery in ('queue', 'steer', 'interrupt', 'task')),
      add column urgency smallint not null default 0,
      add column options json,
      add column sent_at timestamptz,
      add column steered_into uuid`.execute(db);
  await sql`drop index turns_queued`.execute(db);
  await sql`
    create index turns_queued on turns (session_id, urgency desc, number) where state = 'queued'`.execute(db);

  await sql`
    create table approvals (
      id uuid primary key,
      session_id uuid not null,
      tenant_id text not null,
      turn_id uuid not null,
      kind text not null check (kind in ('tool', 'question', 'plan', 'client_tool')),
      tool_name text not null,
      tool_use_id text not null,
      agent_id text,
      input json not null,
      details json not null,
      status text not null default 'pending'
        check (status in ('pending', 'allowed', 'denied', 'answered', 'expired', 'withdrawn')),
      answer json,
      decided_by text,
      requested_at timestamptz not null default now(),
      expires_at timestamptz not null,
      decided_at timestamptz,
      delivered_at timestamptz,
      unique (session_id, tool_use_id),
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);
  await sql`create index approvals_by_status on approvals (tenant_id, status, id)`.execute(db);
  await sql`create index approvals_pending on approvals (expires_at) where status = 'pending'`.execute(db);
  await sql`create index approvals_of_turn on approvals (turn_id)`.execute(db);

  await sql`
    create table idempotency_keys (
      tenant_id text not null,
      route text not null,
      key text not null,
      request_hash text not null,
      answer json not null,
      created_at timestamptz not null default now(),
      primary key (tenant_id, route, key)
    )`.execute(db);
  await sql`create index idempotency_keys_by_age on idempotency_keys (created_at)`.execute(db);
}
