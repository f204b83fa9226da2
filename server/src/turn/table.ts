import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { TurnError, TurnResult, TurnState } from './turn.ts';

export type TurnTable = {
  id: string;
  session_id: string;
  tenant_id: string;
  /** 1, 2, 3 … within the session. */
  number: number;
  state: TurnState;
  prompt: string;
  result: ColumnType<TurnResult | null, string | null, string | null>;
  error: JSONColumnType<TurnError> | ColumnType<null, null, string | null> | null;
  /** Whether the cost is known: set once, when the agent's result or end was seen. */
  is_accounted: Generated<boolean>;
  cost_usd: Generated<number>;
  usage: ColumnType<Record<string, number>, string, string>;
  queued_at: Generated<Date>;
  started_at: Date | null;
  ended_at: Date | null;
};
