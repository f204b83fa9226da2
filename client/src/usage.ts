import { type CallOptions, type Http, path } from './http.ts';
import type { Budget, BudgetPeriod, UsageGroup, UsageReport } from './types.ts';

export type UsageFilter = {
  /** `day` unless told otherwise. */
  group_by?: UsageGroup | readonly UsageGroup[] | undefined;
  /** A date, or an instant (ISO 8601). */
  from?: string | undefined;
  to?: string | undefined;
  /** Another tenant than the own, or `*`: for operators. */
  tenant?: string | undefined;
  session_id?: string | undefined;
  api_key_id?: string | undefined;
  model?: string | undefined;
  limit?: number | undefined;
};

/** Whose budget: an API key's, or a tenant's (the own, unless an operator names another). */
export type BudgetOwner = { api_key_id: string } | { tenant: string | null };

/** What API keys and tenants may spend. A session's own budget is its `max_budget_usd`. */
export class Budgets {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async list(filter: { tenant?: string } = {}, options: CallOptions = {}): Promise<Budget[]> {
    const call = { query: filter, ...options };
    return (await this.#http.json<{ budgets: Budget[] }>('GET', '/budgets', call)).budgets;
  }

  /** Holds from the next model request on. */
  async set(
    owner: BudgetOwner,
    period: BudgetPeriod,
    limitUsd: number,
    options: CallOptions = {},
  ): Promise<Budget> {
    const call = { json: { limit_usd: limitUsd }, query: queryOf(owner), ...options };
    return await this.#http.json('PUT', pathOf(owner, period), call);
  }

  /** What it was. */
  async delete(owner: BudgetOwner, period: BudgetPeriod, options: CallOptions = {}): Promise<Budget> {
    return await this.#http.json('DELETE', pathOf(owner, period), { query: queryOf(owner), ...options });
  }
}

/** Tokens and cost, summed over the ledger. */
export async function reportUsage(
  http: Http,
  { group_by, ...filter }: UsageFilter,
  options: CallOptions,
): Promise<UsageReport> {
  const groups = typeof group_by === 'string' ? [group_by] : group_by;
  const query = { ...filter, ...(groups === undefined ? {} : { group_by: groups.join(',') }) };
  return await http.json('GET', '/usage', { query, ...options });
}

function pathOf(owner: BudgetOwner, period: BudgetPeriod): string {
  return 'api_key_id' in owner
    ? path`/budgets/api-keys/${owner.api_key_id}/${period}`
    : path`/budgets/tenant/${period}`;
}

function queryOf(owner: BudgetOwner): { tenant?: string } {
  return 'tenant' in owner && owner.tenant !== null ? { tenant: owner.tenant } : {};
}
