import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The latest round that the queue took anybody from. One row.
  await sql`
    create table queue_round (
      is_only boolean primary key default true check (is_only),
      round integer not null
    )`.execute(db);
  await sql`insert into queue_round (round) values (0)`.execute(db);

  // Few among very many: those that a worker should have.
  await sql`create index turns_active on turns (session_id) where state in ('queued', 'running')`.execute(db);
}
