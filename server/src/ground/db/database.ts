import type { ApiKeyTable, KeyPepperTable } from '../../access/api-key/table.ts';
import type { AuditLogTable } from '../../access/audit/table.ts';
import type { BudgetTable } from '../../access/budget/table.ts';
import type { InstallationTable, SignInCodeTable, SignInTable } from '../../access/sign-in/table.ts';
import type { StreamTicketTable } from '../../access/stream-ticket/table.ts';
import type { LetThroughCallTable } from '../../engine/hold/table.ts';
import type { ApprovalTable } from '../../session/approval/table.ts';
import type { EventTable } from '../../session/event/table.ts';
import type { PresetTable } from '../../session/preset/table.ts';
import type { SessionMarkTable, SessionReaderTable } from '../../session/summary/table.ts';
import type { DeletedSessionTable, SessionTable } from '../../session/table.ts';
import type { TaskTable } from '../../session/task/table.ts';
import type { TranscriptTable } from '../../session/transcript/table.ts';
import type { TurnTable } from '../../session/turn/table.ts';
import type {
  LedgerStartTable,
  SessionSpendingTable,
  UsageDayTable,
  UsageLedgerTable,
  UsageSessionDayTable,
  UsageTenantDayTable,
} from '../../session/usage/table.ts';
import type { IdempotencyKeyTable } from '../idempotency/table.ts';
import type { QueueRoundTable, WorkerTable } from '../queue/table.ts';

/** Every table of the schema `greenroom`. pg-boss keeps its own in `greenroom_queue`. */
export type Database = {
  sessions: SessionTable;
  deleted_sessions: DeletedSessionTable;
  session_marks: SessionMarkTable;
  session_readers: SessionReaderTable;
  turns: TurnTable;
  events: EventTable;
  approvals: ApprovalTable;
  tasks: TaskTable;
  let_through_calls: LetThroughCallTable;
  idempotency_keys: IdempotencyKeyTable;
  transcripts: TranscriptTable;
  workers: WorkerTable;
  queue_round: QueueRoundTable;
  api_keys: ApiKeyTable;
  key_pepper: KeyPepperTable;
  usage_ledger: UsageLedgerTable;
  ledger_start: LedgerStartTable;
  usage_days: UsageDayTable;
  usage_tenant_days: UsageTenantDayTable;
  usage_session_days: UsageSessionDayTable;
  session_spending: SessionSpendingTable;
  budgets: BudgetTable;
  audit_log: AuditLogTable;
  stream_tickets: StreamTicketTable;
  presets: PresetTable;
  installation: InstallationTable;
  sign_ins: SignInTable;
  sign_in_codes: SignInCodeTable;
};

export const SCHEMA = 'greenroom';
export const QUEUE_SCHEMA = 'greenroom_queue';
