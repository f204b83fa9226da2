import type { Generated } from 'kysely';
import type { BudgetPeriod, BudgetScope } from '../../session/usage/budget.ts';

/** What the requests of a tenant or an API key may cost in a period, and what they did. */
export type BudgetTable = {
  id: string;
  tenant_id: string;
  scope: BudgetScope;
  api_key_id: string | null;
  period: BudgetPeriod;
  limit_usd: number;
  /** Of the period that `spent_usd` is for: the first request of the next one begins that. */
  period_start: Date;
  spent_usd: Generated<number>;
  reserved_usd: Generated<number>;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
};
