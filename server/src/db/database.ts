import type { TranscriptTable } from '../agent/table.ts';
import type { ApprovalTable } from '../approval/table.ts';
import type { EventTable } from '../event/table.ts';
import type { IdempotencyKeyTable } from '../idempotency/table.ts';
import type { DeletedSessionTable, SessionTable } from '../session/table.ts';
import type { TurnTable } from '../turn/table.ts';
import type { WorkerTable } from '../worker/table.ts';

/** Every table of the schema `greenroom`. pg-boss keeps its own in `greenroom_queue`. */
export type Database = {
  sessions: SessionTable;
  deleted_sessions: DeletedSessionTable;
  turns: TurnTable;
  events: EventTable;
  approvals: ApprovalTable;
  idempotency_keys: IdempotencyKeyTable;
  transcripts: TranscriptTable;
  workers: WorkerTable;
};

export const SCHEMA = 'greenroom';
export const QUEUE_SCHEMA = 'greenroom_queue';
/** The only tenant until API keys exist; every row carries it. */
export const DEFAULT_TENANT = 'default';
