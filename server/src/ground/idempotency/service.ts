import { hash } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { findAnswer, type IdempotentRequest, KEPT_HOURS, storeAnswer, tryLock } from './store.ts';

export type { IdempotentRequest };

/** What a creating request gave; `isReplay` when an earlier one with the same key had given it. */
export type Once<T> = { value: T; isReplay: boolean };

export function hashRequest(body: unknown): string {
  return hash('sha256', JSON.stringify(body) ?? '');
}

/**
 * Finds what an earlier request with the same key gave. The lock on the key lasts as long as the transaction, in which
 * the caller also stores its answer, with the work: so both are there, or neither.
 */
export async function findReplay<T>(
  trx: Transaction<Database>,
  request: IdempotentRequest,
): Promise<{ value: T } | null> {
  if (!(await tryLock(trx, request))) {
    throw new AppError(
      'idempotency_in_flight',
      `A request with the Idempotency-Key "${request.key}" is under way.`,
      {
        hint: 'send it again in a moment to get its answer',
        retryAfterSeconds: 1,
      },
    );
  }
  const stored = await findAnswer(trx, request);
  if (stored === undefined) return null;
  if (stored.request_hash !== request.hash) {
    throw new AppError(
      'idempotency_key_reused',
      `The Idempotency-Key "${request.key}" was used for another request.`,
      {
        hint: `take a new key for a new request; a key is kept for ${KEPT_HOURS} hours`,
      },
    );
  }
  return { value: stored.answer as T };
}

export async function keepAnswer(
  trx: Transaction<Database>,
  request: IdempotentRequest,
  answer: unknown,
): Promise<void> {
  await storeAnswer(trx, request, answer);
}
