import { type Kysely, sql } from 'kysely';

// A deleted session's forks are looked for.
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index sessions_by_parent on sessions (parent_id) where parent_id is not null`.execute(db);
}
