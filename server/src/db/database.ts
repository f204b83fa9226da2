import type { ApiKeyTable, KeyPepperTable } from '../api-key/table.ts';
import type { ApprovalTable } from '../approval/table.ts';
import type { AuditLogTable } from '../audit/table.ts';
import type { BudgetTable } from '../budget/table.ts';
import type { EventTable } from '../event/table.ts';
import type { IdempotencyKeyTable } from '../idempotency/table.ts';
import type { PresetTable } from '../preset/table.ts';
import type { QueueRoundTable, WorkerTable } from '../queue/table.ts';
import type { DeletedSessionTable, SessionTable } from '../session/table.ts';
import type { InstallationTable, SignInCodeTable, SignInTable } from '../sign-in/table.ts';
import type { StreamTicketTable } from '../stream-ticket/table.ts';
import type { SessionMarkTable, SessionReaderTable } from '../summary/table.ts';
import type { TaskTable } from '../task/table.ts';
import type { TranscriptTable } from '../transcript/table.ts';
import type { TurnTable } from '../turn/table.ts';
import type {
  LedgerStartTable,
  SessionSpendingTable,
  UsageDayTable,
  UsageLedgerTable,
  UsageSessionDayTable,
  UsageTenantDayTable,
} from '../usage/table.ts';
import type { LetThroughCallTable } from '../worker/table.ts';

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
