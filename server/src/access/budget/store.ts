import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { newBudgetId } from '../../ground/ids.ts';
import type { BudgetPeriod } from '../../session/usage/budget.ts';
import type { BudgetTable } from './table.ts';

export type BudgetRow = Omit<Selectable<BudgetTable>, 'id' | 'tenant_id' | 'period_start'>;

/** Of a tenant, or of one of its API keys. */
export type BudgetKey = { tenantId: string; apiKeyId: string | null; period: BudgetPeriod };

/** A budget whose period is over has spent nothing in the present one. */
const shown = sql`scope, api_key_id, period, limit_usd, reserved_usd, created_at, updated_at,
  case when period_start < budget_period_start(period) then 0 else spent_usd end as spent_usd`;

export async function listBudgets(db: Kysely<Database>, tenantId: string): Promise<BudgetRow[]> {
  const { rows } = await sql<BudgetRow>`
    select ${shown} from budgets where tenant_id = ${tenantId} order by scope desc, api_key_id, period
  `.execute(db);
  return rows;
}

/**
 * Sets a limit. What was spent in its period already comes from the sums of its days. Nobody may write the ledger
 * meanwhile, with which they change: a request that is settled at this moment counts once.
 */
export async function putBudget(
  trx: Transaction<Database>,
  { tenantId, apiKeyId, period }: BudgetKey,
  limitUsd: number,
): Promise<BudgetRow> {
  await sql`lock table usage_ledger in share row exclusive mode`.execute(trx);
  const { rows } = await sql<BudgetRow>`
    insert into budgets (id, tenant_id, scope, api_key_id, period, limit_usd, period_start, spent_usd)
    values (${newBudgetId()}, ${tenantId}, ${apiKeyId === null ? 'tenant' : 'api_key'}, ${apiKeyId}, ${period},
      ${limitUsd}, budget_period_start(${period}), (
        select coalesce(sum(cost_usd), 0) from usage_days
        where tenant_id = ${tenantId} and day >= (budget_period_start(${period}) at time zone 'UTC')::date
          and (${apiKeyId}::text is null or api_key_id = ${apiKeyId})
      ))
    on conflict (tenant_id, scope, api_key_id, period) do update
      set limit_usd = excluded.limit_usd, period_start = excluded.period_start, spent_usd = excluded.spent_usd,
        updated_at = now()
    returning ${shown}
  `.execute(trx);
  const [row] = rows;
  if (row === undefined) throw new Error('setting a budget gave no row');
  return row;
}

/** @returns what it was */
export async function deleteBudget(db: Kysely<Database>, key: BudgetKey): Promise<BudgetRow | undefined> {
  const { rows } = await sql<BudgetRow>`
    delete from budgets
    where tenant_id = ${key.tenantId} and period = ${key.period} and api_key_id is not distinct from ${key.apiKeyId}
    returning ${shown}
  `.execute(db);
  return rows[0];
}
