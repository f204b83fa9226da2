import { type Kysely, sql } from 'kysely';

/** What it takes to go on with a turn whose process has ended: which calls may have run, and how often it went on. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table let_through_calls (
      session_id uuid not null,
      tool_use_id text not null,
      tenant_id text not null,
      turn_id uuid not null,
      tool_name text not null,
      input text not null,
      primary key (session_id, tool_use_id),
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);
  await sql`
    alter table turns add column continuations smallint not null default 0,
      add column continued_after integer not null default 0`.execute(db);
}
