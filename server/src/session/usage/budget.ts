import { z } from 'zod';
import { describeCloud } from '../../ground/config/cloud.ts';
import type { Config } from '../../ground/config/config.ts';
import { AppError } from '../../ground/errors.ts';

/** Days and months are UTC's. */
export const budgetPeriod = z.enum(['day', 'month', 'total']);
export type BudgetPeriod = z.infer<typeof budgetPeriod>;

export const budgetScope = z.enum(['tenant', 'api_key']);
export type BudgetScope = z.infer<typeof budgetScope>;

/** A limit that is reached. */
export type Limit = {
  scope: BudgetScope | 'session';
  period: BudgetPeriod;
  limit_usd: number;
  spent_usd: number;
};

const periods: Record<BudgetPeriod, string> = { day: ' a day', month: ' a month', total: '' };
const spenders: Record<Limit['scope'], string> = {
  session: 'The session',
  api_key: 'The API key',
  tenant: 'The tenant',
};

/** For people: which budget is spent, and what to do. */
export function describeLimit({ scope, period, limit_usd, spent_usd }: Limit): string {
  const remedy =
    scope === 'session'
      ? 'Raise max_budget_usd to go on.'
      : `Raise that budget${period === 'total' ? '' : `, or wait for the next ${period},`} to go on.`;
  return `${spenders[scope]} has cost $${spent_usd.toFixed(4)} of its budget of $${limit_usd}${periods[period]}. ${remedy}`;
}

/** A limit that nothing would keep is refused. */
export function requireBudgetsHold({ config }: { config: Pick<Config, 'cloud'> }): void {
  if (config.cloud === null) return;
  throw new AppError('not_supported', `Budgets do not hold here: ${describeCloud(config.cloud)}.`, {
    hint: 'limit the credentials of the server at the cloud',
  });
}
