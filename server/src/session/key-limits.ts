import { sql, type Transaction } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { AppError } from '../ground/errors.ts';
import type { Identity } from '../ground/identity.ts';
import { countActiveTurns } from './turn/store.ts';

/**
 * Refuses another turn to a key that has as much at work or waiting as it may. Counted and added under one lock per
 * key, so that requests at once do not slip past together.
 *
 * @param sessionId the session that gets the turn; null is a new one
 */
export async function requireKeyLimits(
  trx: Transaction<Database>,
  { asker, sessionId }: { asker: Identity; sessionId: string | null },
): Promise<void> {
  const { apiKeyId, limits } = asker;
  const { maxActiveSessions, maxQueuedTurns } = limits;
  if (apiKeyId === null || (maxActiveSessions === null && maxQueuedTurns === null)) return;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`api-key ${apiKeyId}`}, 0))`.execute(trx);
  const active = await countActiveTurns(trx, { apiKeyId, besides: sessionId });
  if (maxActiveSessions !== null && active.sessions >= maxActiveSessions) {
    throw full(`The API key has ${active.sessions} sessions that wait or run, and may have no more.`);
  }
  if (maxQueuedTurns !== null && active.queued >= maxQueuedTurns) {
    throw full(`The API key has ${active.queued} turns that wait, and may have no more.`);
  }
}

function full(message: string): AppError {
  return new AppError('overloaded', message, {
    hint: 'wait until some have ended, or have the limits of the key raised',
    retryAfterSeconds: 5,
  });
}
