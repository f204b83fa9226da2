import type { Kysely, Transaction } from 'kysely';
import type { Database } from './database.ts';
import { retryConflicts } from './retry.ts';

/**
 * Runs `work` in one transaction, and again from its beginning when it loses against another one (deadlock, serialization):
 * nothing of it was kept then. So `work` does nothing outside the database that may not be done twice.
 */
export async function inTransaction<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return await retryConflicts(async () => await db.transaction().execute(work));
}
