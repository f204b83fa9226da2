import { type Kysely, sql } from 'kysely';

const AT_ONCE = 500;

/** What a list of sessions shows, beside the sessions' state; and what each reader has seen of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Of the options, what lists show and look for: options themselves may be large, and hold escapes that SQL cannot read.
  await sql`
    alter table sessions
      add column prompt text,
      add column model text,
      add column permission_mode text,
      add column last_model text,
      add column activity json,
      add column is_archived boolean not null default false,
      alter column metadata drop default,
      alter column metadata type jsonb using metadata::jsonb,
      alter column metadata set default '{}'`.execute(db);
  await sql`
    update sessions set prompt = nullif(left(trim(regexp_replace(left(turns.prompt, 1000), '[[:space:][:cntrl:]]+', ' ', 'g')), 200), '')
    from turns where turns.session_id = sessions.id and turns.number = 1`.execute(db);
  await copyOptions(db);
  await sql`create index sessions_by_archive on sessions (tenant_id, is_archived, id)`.execute(db);
  await sql`
    create index sessions_active on sessions (tenant_id, id) where status in ('pending', 'running')`.execute(
    db,
  );
  await sql`
    create index sessions_asking on sessions (tenant_id, id) where waiting_for in ('approval', 'question')`.execute(
    db,
  );
  await sql`
    create index sessions_ended on sessions (tenant_id, ended_at desc) where ended_at is not null`.execute(
    db,
  );
  await sql`create index approvals_open on approvals (session_id) where status = 'pending'`.execute(db);

  await sql`
    create table session_readers (
      tenant_id text not null,
      reader text not null,
      read_before timestamptz not null default now(),
      changed_at timestamptz not null default clock_timestamp(),
      primary key (tenant_id, reader)
    )`.execute(db);
  await sql`
    create table session_marks (
      tenant_id text not null,
      session_id uuid not null,
      reader text not null,
      read_seq bigint not null default 0,
      unread_at timestamptz,
      is_pinned boolean not null default false,
      changed_at timestamptz not null default clock_timestamp(),
      primary key (session_id, reader),
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);
  await sql`
    create index session_marks_pinned on session_marks (tenant_id, reader, session_id) where is_pinned`.execute(
    db,
  );
  await sql`
    create index session_marks_unread on session_marks (tenant_id, reader, session_id)
    where unread_at is not null`.execute(db);
  await sql`create index session_marks_changed on session_marks (tenant_id, changed_at)`.execute(db);
}

async function copyOptions(db: Kysely<unknown>): Promise<void> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const { rows } = await sql<{ id: string; options: { model?: string; permission_mode?: string } }>`
      select id, options from sessions where id > ${after}::uuid order by id limit ${AT_ONCE}`.execute(db);
    await sql`
      update sessions set model = given.model, permission_mode = given.permission_mode
      from unnest(
        ${rows.map(({ id }) => id)}::uuid[],
        ${rows.map(({ options }) => options.model ?? null)}::text[],
        ${rows.map(({ options }) => options.permission_mode ?? null)}::text[]
      ) as given (id, model, permission_mode)
      where sessions.id = given.id`.execute(db);
    const last = rows.at(-1);
    if (last === undefined || rows.length < AT_ONCE) return;
    after = last.id;
  }
}
