import { z } from 'zod';

/** Days and months are UTC's. */
export const budgetPeriod = z.enum(['day', 'month', 'total']);
export type BudgetPeriod = z.infer<typeof budgetPeriod>;

export const budgetScope = z.enum(['tenant', 'api_key']);
export type BudgetScope = z.infer<typeof budgetScope>;

export const budgetRequest = z
  .strictObject({ limit_usd: z.number().min(0).max(1e9).describe('0 allows nothing.') })
  .meta({ id: 'BudgetRequest', examples: [{ limit_usd: 25 }] });

/** A budget as the API shows it. */
export const budgetView = z
  .object({
    scope: budgetScope,
    api_key_id: z.string().nullable(),
    period: budgetPeriod,
    limit_usd: z.number(),
    spent_usd: z.number().describe('In this day (UTC), this month, or ever.'),
    reserved_usd: z.number().describe('What the requests under way may cost at most.'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Budget' });
export type BudgetView = z.infer<typeof budgetView>;

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
