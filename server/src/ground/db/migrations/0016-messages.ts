import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A message that the agent gave back is given to it again under another id: it ignores one that it had.
  await sql`alter table turns add column message_id uuid`.execute(db);
  // Whether the agent of a turn had begun a message that became part of it: the log says where.
  await sql`alter table turns add column read_at timestamptz`.execute(db);
  // What came too late for a turn that was cancelled with all that waited is not run after it.
  await sql`alter table turns add column discards_unread boolean not null default false`.execute(db);
  await sql`alter table sessions add column failed_stays smallint not null default 0`.execute(db);
  // What steers is completed when it is given to the agent, and no longer waits until that has read it.
  await sql`update turns set sent_at = null where state = 'queued' and sent_at is not null`.execute(db);
  // A turn may wait for what its agent has in the background.
  await sql`alter table sessions drop constraint sessions_waiting_for_check`.execute(db);
  await sql`
    alter table sessions add constraint sessions_waiting_for_check
    check (waiting_for in ('approval', 'question', 'tool', 'tasks'))`.execute(db);
}
