import { type Kysely, sql, type Transaction } from 'kysely';
import type { DatabaseClient } from '../../ground/db/client.ts';
import type { Database } from '../../ground/db/database.ts';
import { type Money, toDecimal } from '../../ground/util/money.ts';
import type { Limit } from './budget.ts';
import type { Tokens } from './tokens.ts';

export type NewRequest = {
  id: string;
  sessionId: string;
  fence: number;
  workerId: string;
  model: string;
  /** More than it can cost. */
  bound: Money;
  /** Asked before, without an answer: it may have been reserved. */
  isRepeat: boolean;
};

export type Reservation =
  | { verdict: 'reserved' }
  /** The session is active elsewhere, or gone. */
  | { verdict: 'stale' }
  /** A budget is spent, or may be by what is under way. */
  | { verdict: 'exceeded' | 'busy'; limit: Limit };

/**
 * Counts what a request may cost against every budget that it falls under, if none of them is used up. Every model
 * request waits for it: by its name, a connection has PostgreSQL read the statement only once.
 */
export async function reserveUsage({ pool }: DatabaseClient, request: NewRequest): Promise<Reservation> {
  const { id, sessionId, fence, workerId, model, bound, isRepeat } = request;
  const { rows } = await pool.query<{ verdict: Reservation['verdict'] } & Limit>({
    name: 'reserve_usage',
    text: `select * from reserve_usage($1::uuid, $2::uuid, $3::bigint, $4::uuid, $5, $6::numeric, $7)`,
    values: [id, sessionId, fence, workerId, model, toDecimal(bound), isRepeat],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('the reservation of a model request gave no row');
  const { verdict, ...limit } = row;
  return verdict === 'exceeded' || verdict === 'busy' ? { verdict, limit } : { verdict };
}

export type Settlement = {
  /** `released`: it cost nothing, since the model API did not do it. */
  status: 'settled' | 'released';
  /** Null: what was reserved for it. */
  cost: Money | null;
  model: string;
  tokens: Tokens;
  isEstimated: boolean;
  upstreamStatus: number | null;
};

/** A settlement that its turn's end has not seen, or that belongs to none. */
export type LateCharge = { sessionId: string; turnId: string | null };

/** Puts what a request cost in place of what it might; done twice, it changes nothing. */
export async function settleUsage(
  db: Kysely<Database>,
  request: { requestId: string; sessionId: string },
  { status, cost, tokens, model, isEstimated, upstreamStatus }: Settlement,
): Promise<LateCharge | null> {
  const used = JSON.stringify({ ...tokens, model, isEstimated, upstreamStatus });
  const reserved = sql`coalesce((select reserved_usd from usage_ledger where id = ${request.requestId}::uuid), 0)`;
  const { rows } = await sql<{ session_id: string; turn_id: string | null; is_late: boolean }>`
    select * from settle_usage(${request.requestId}::uuid, ${request.sessionId}::uuid, ${status},
      ${cost === null ? reserved : sql`${toDecimal(cost)}::numeric`}, ${used}::jsonb)
  `.execute(db);
  const [row] = rows;
  return row?.is_late ? { sessionId: row.session_id, turnId: row.turn_id } : null;
}

/** Gives back what was reserved for a request that nobody will settle. */
export async function releaseUsage(db: Kysely<Database>, id: string): Promise<void> {
  await sql`select settle_usage(${id}::uuid, null, 'released', 0, '{"isEstimated": true}'::jsonb)`.execute(
    db,
  );
}

/** Undefined unless the activation is the session's newest; else the key that its requests are charged to. */
export async function findHeldSession(
  db: Kysely<Database>,
  { sessionId, fence }: { sessionId: string; fence: number },
): Promise<{ api_key_id: string | null } | undefined> {
  const { rows } = await sql<{ api_key_id: string | null }>`
    select case when turns.id is null then sessions.api_key_id else turns.api_key_id end as api_key_id
    from sessions left join lateral (
      select id, api_key_id from turns
      where session_id = sessions.id and started_at is not null and not is_accounted
      order by number desc limit 1
    ) turns on true
    where sessions.id = ${sessionId} and fence = ${fence}
  `.execute(db);
  return rows[0];
}

/** Reservations of workers that are gone, or older than any request: nobody will say what those cost. */
export async function listAbandoned(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from usage_ledger
    where status = 'reserved' and started_at < now() - interval '1 minute' and (
      started_at < now() - interval '2 hours' or not exists (
        select from workers
        where workers.id = usage_ledger.worker_id and heartbeat_at > now() - interval '1 minute'
      )
    )
    order by started_at limit 1000
  `.execute(db);
  return rows.map(({ id }) => id);
}

/** Gives what was asked between turns to the one that followed. */
export async function adoptUsage(
  trx: Transaction<Database>,
  { sessionId, turnId }: { sessionId: string; turnId: string },
): Promise<void> {
  await trx
    .updateTable('usage_ledger')
    .set({ turn_id: turnId })
    .where('session_id', '=', sessionId)
    .where('turn_id', 'is', null)
    .execute();
}

export type Usage = {
  cost_usd: number;
  usage: Record<string, number>;
};

/** What the requests of a turn cost. */
export async function sumTurn(db: Kysely<Database>, turnId: string): Promise<Usage> {
  const row = await db
    .selectFrom('usage_ledger')
    .select(({ fn, val }) => [
      fn.coalesce(fn.sum<number>('cost_usd'), val(0)).as('cost_usd'),
      fn.coalesce(fn.sum<number>('input_tokens'), val(0)).as('input_tokens'),
      fn.coalesce(fn.sum<number>('output_tokens'), val(0)).as('output_tokens'),
      fn.coalesce(fn.sum<number>('cache_read_tokens'), val(0)).as('cache_read_input_tokens'),
      fn.coalesce(fn.sum<number>('cache_write_tokens'), val(0)).as('cache_creation_input_tokens'),
    ])
    .where('turn_id', '=', turnId)
    .where('status', '=', 'settled')
    .executeTakeFirstOrThrow();
  const { cost_usd, ...usage } = row;
  return { cost_usd, usage };
}

/** What all turns of a session cost, and what went on between them: a sum that each settlement adds to. */
export async function findSpending(db: Kysely<Database>, sessionId: string): Promise<Usage> {
  const row = await db
    .selectFrom('session_spending')
    .select([
      ...(['spent_usd', 'input_tokens', 'output_tokens'] as const),
      ...(['cache_read_tokens', 'cache_write_tokens'] as const),
    ])
    .where('session_id', '=', sessionId)
    .executeTakeFirst();
  const usage = {
    input_tokens: row?.input_tokens ?? 0,
    output_tokens: row?.output_tokens ?? 0,
    cache_read_input_tokens: row?.cache_read_tokens ?? 0,
    cache_creation_input_tokens: row?.cache_write_tokens ?? 0,
  };
  return { cost_usd: row?.spent_usd ?? 0, usage };
}

/** Before entries of the ledger are deleted: of days before this one only the sums count from now on. */
export async function beginLedger(db: Kysely<Database>, olderThanMs: number): Promise<void> {
  const day = sql`((now() - make_interval(secs => ${olderThanMs / 1000})) at time zone 'UTC')::date`;
  await sql`update ledger_start set day = ${day} where day < ${day}`.execute(db);
}

/**
 * Deletes some of the entries that the ledger need not have any more, oldest first; not those that may still be settled,
 * nor those of turns whose cost is yet to be summed.
 *
 * @returns how many
 */
export async function forgetRequests(db: Kysely<Database>, limit: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from usage_ledger where id in (
      select id from usage_ledger
      where started_at < (select day from ledger_start)::timestamp at time zone 'UTC' and status != 'reserved'
        and coalesce((select is_accounted from turns where turns.id = turn_id), true)
      order by started_at limit ${limit} for update skip locked
    )
  `.execute(db);
  return Number(numAffectedRows);
}

/** The first budget of a session that is spent: its own, or one that it falls under. */
export async function findSpentLimit(
  db: Kysely<Database>,
  sessionId: string,
  apiKeyId: string | null,
): Promise<Limit | undefined> {
  const { rows } = await sql<Limit>`
    select * from (
      select 'session' as scope, 'total' as period, max_budget_usd as limit_usd,
        coalesce(session_spending.spent_usd, 0) as spent_usd
      from sessions left join session_spending on session_id = id where id = ${sessionId}
      union all
      select scope, period, limit_usd,
        case when period_start < budget_period_start(period) then 0 else spent_usd end
      from budgets
      where tenant_id = (select tenant_id from sessions where id = ${sessionId})
        and (scope = 'tenant' or api_key_id = ${apiKeyId})
    ) limits
    where spent_usd >= limit_usd limit 1
  `.execute(db);
  return rows[0];
}
