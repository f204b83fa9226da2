import { z } from 'zod';
import { budgetPeriod, budgetScope } from '../../session/usage/budget.ts';

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
