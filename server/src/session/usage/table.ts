import type { Generated } from 'kysely';

export type UsageStatus = 'reserved' | 'settled' | 'released';

/** One model request each. Sums are over `settled` ones; the others cost 0. */
export type UsageLedgerTable = {
  id: string;
  tenant_id: string;
  session_id: string;
  /** Null between turns, where background tasks of the agent go on. */
  turn_id: string | null;
  api_key_id: string | null;
  /** Whose gateway made it. */
  worker_id: string | null;
  model: string;
  status: UsageStatus;
  /** More than it could cost; counted against budgets until its cost is known. */
  reserved_usd: Generated<number>;
  cost_usd: Generated<number>;
  input_tokens: Generated<number>;
  output_tokens: Generated<number>;
  cache_read_tokens: Generated<number>;
  cache_write_tokens: Generated<number>;
  web_searches: Generated<number>;
  /** The answer was cut off: it did not say what it cost. */
  is_estimated: Generated<boolean>;
  upstream_status: number | null;
  /** The budgets that `reserved_usd` was counted against. */
  budget_ids: Generated<string[]>;
  started_at: Generated<Date>;
  settled_at: Date | null;
};

/** What a session's model requests used and cost, and what those under way may cost at most. */
export type SessionSpendingTable = {
  session_id: string;
  tenant_id: string;
  spent_usd: Generated<number>;
  reserved_usd: Generated<number>;
  input_tokens: Generated<number>;
  output_tokens: Generated<number>;
  cache_read_tokens: Generated<number>;
  cache_write_tokens: Generated<number>;
};

/** One row: from this day (UTC) on the ledger has every request. */
export type LedgerStartTable = { day: string };

/** Sums over the settled requests that began on a day (UTC). They stay when the ledger's entries are deleted. */
export type UsageTenantDayTable = {
  tenant_id: string;
  day: string;
  model: string;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  web_searches: number;
  cost_usd: number;
};

export type UsageDayTable = UsageTenantDayTable & { api_key_id: string | null };

export type UsageSessionDayTable = UsageDayTable & { session_id: string };
