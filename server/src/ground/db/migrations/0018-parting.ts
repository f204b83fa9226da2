import { type Kysely, sql } from 'kysely';

/**
 * What it takes to go on with a turn whoever had it: why it was left, and whether with nothing under way; whether its calls
 * were noted, of which an older server knew nothing; how it went on last; and which notes named which calls. And what
 * permission mode an agent is really in.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table turns add column left_for text,
      add column left_whole boolean not null default false,
      add column notes_calls boolean not null default false,
      add column went_on json`.execute(db);
  await sql`alter table let_through_calls add column told_in uuid`.execute(db);
  await sql`alter table sessions add column effective_permission_mode text`.execute(db);
}
