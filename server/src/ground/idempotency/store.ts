import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';

export const KEPT_HOURS = 24;

/** A creating request that its client may send again: the key is the client's, the hash is of what it asks. */
export type IdempotentRequest = { tenantId: string; route: string; key: string; hash: string };

/** Holds off the same request on every node until the transaction ends. @returns false when one is under way */
export async function tryLock(trx: Transaction<Database>, request: IdempotentRequest): Promise<boolean> {
  const name = JSON.stringify([request.tenantId, request.route, request.key]);
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) as locked
  `.execute(trx);
  return rows[0]?.locked === true;
}

export async function findAnswer(
  trx: Transaction<Database>,
  request: IdempotentRequest,
): Promise<{ request_hash: string; answer: unknown } | undefined> {
  return await trx
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'answer'])
    .where('tenant_id', '=', request.tenantId)
    .where('route', '=', request.route)
    .where('key', '=', request.key)
    .where('created_at', '>', sql<Date>`now() - make_interval(hours => ${KEPT_HOURS})`)
    .executeTakeFirst();
}

/** Keeps the answer; one that is too old to count is replaced. */
export async function storeAnswer(
  trx: Transaction<Database>,
  request: IdempotentRequest,
  answer: unknown,
): Promise<void> {
  await sql`
    insert into idempotency_keys (tenant_id, route, key, request_hash, answer)
    values (${request.tenantId}, ${request.route}, ${request.key}, ${request.hash}, ${JSON.stringify(answer)}::json)
    on conflict (tenant_id, route, key) do update
      set request_hash = excluded.request_hash, answer = excluded.answer, created_at = now()
  `.execute(trx);
}

/** Some of those that no longer count. @returns how many */
export async function forgetOldAnswers(db: Kysely<Database>, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from idempotency_keys where ctid = any(array(
      select ctid from idempotency_keys where created_at < now() - make_interval(hours => ${KEPT_HOURS})
      order by created_at limit ${limit} for update skip locked
    ))
  `.execute(db);
  return Number(numAffectedRows);
}
