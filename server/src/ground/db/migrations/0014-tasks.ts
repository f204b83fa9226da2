import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // What agents told of tasks, noted with the events that tell it: to look for those takes the whole log of a session.
  await sql`
    create table tasks (
      session_id uuid not null,
      task_id text not null,
      tenant_id text not null,
      seq bigint not null,
      turn_id uuid,
      description text not null,
      is_background boolean not null,
      subagent_type text,
      tool_use_id text,
      started_at timestamptz not null,
      status text,
      summary text,
      ended_seq bigint,
      ended_at timestamptz,
      primary key (session_id, task_id),
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);
  await sql`create index tasks_by_seq on tasks (session_id, seq)`.execute(db);

  // A session that is older than this is read through when somebody asks for its tasks.
  await sql`alter table sessions add column are_tasks_noted boolean not null default false`.execute(db);
  await sql`alter table sessions alter column are_tasks_noted set default true`.execute(db);
}
