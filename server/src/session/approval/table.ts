import type { ColumnType, Generated } from 'kysely';
import type { ApprovalAnswer, ApprovalDetails, ApprovalKind, ApprovalStatus } from './approval.ts';

export type ApprovalTable = {
  id: string;
  session_id: string;
  tenant_id: string;
  turn_id: string;
  kind: ApprovalKind;
  tool_name: string;
  /** Of the tool call that waits. A call that is made again after a crash takes the row over. */
  tool_use_id: string;
  /** The subagent that asks; null is the main agent. */
  agent_id: string | null;
  input: ColumnType<Record<string, unknown>, string, never>;
  details: ColumnType<ApprovalDetails, string, never>;
  status: Generated<ApprovalStatus>;
  answer: ColumnType<ApprovalAnswer | null, string | null, string | null>;
  decided_by: string | null;
  requested_at: Generated<Date>;
  expires_at: Date;
  decided_at: Date | null;
  /** When the agent process was given the answer: from here on the tool may have run. */
  delivered_at: Date | null;
};
