export type { ApiKeys } from './api-keys.ts';
export type { ApprovalFilter, Approvals } from './approvals.ts';
export type { AuditFilter } from './audit.ts';
export { GreenroomClient } from './client.ts';
export { GreenroomConnectionError, GreenroomError, type GreenroomErrorCode } from './errors.ts';
export type { StreamConnection } from './event-stream.ts';
export type { EventsOptions, SessionStreamOptions, StreamOptions } from './events.ts';
export type { Files } from './files.ts';
export type { CallOptions, ClientOptions, CreateOptions, FileContent } from './http.ts';
export type { Messages } from './messages.ts';
export type { Presets } from './presets.ts';
export type { Run, RunOptions, RunResult } from './run.ts';
export type { EventQuery, Sessions, StatusQuery, TurnQuery } from './sessions.ts';
export type { CountFilter, SummaryFilter, SummaryPage } from './summaries.ts';
export type { Tasks } from './tasks.ts';
export type {
  AllRead,
  ApiKey,
  Approval,
  ApprovalAnswer,
  ApprovalKind,
  ApprovalStatus,
  AuditEntry,
  AuditOutcome,
  Budget,
  BudgetPeriod,
  ChangeKeyRequest,
  ChangePresetRequest,
  Cleanup,
  ContentBlock,
  CreatedApiKey,
  CreateKeyRequest,
  CreatePresetRequest,
  DeltaEvent,
  ErrorCode,
  EventKind,
  EventPage,
  ExecuteRequest,
  ExecuteResponse,
  FieldError,
  FileChange,
  FileEntry,
  FileListing,
  FileWritten,
  Fork,
  ForkRequest,
  Grant,
  Interruption,
  MarksRequest,
  Me,
  MessageEdit,
  MessageRequest,
  MultiplexedEvent,
  Permission,
  Preset,
  Problem,
  Readiness,
  ResetEvent,
  Rewind,
  RewindRequest,
  RotateKeyRequest,
  Scope,
  Session,
  SessionCounts,
  SessionEvent,
  SessionListItem,
  SessionMarks,
  SessionState,
  SessionStatus,
  SessionSummary,
  SettingsRequest,
  SignIn,
  Status,
  StreamEvent,
  StreamTicket,
  Task,
  ToolResult,
  Turn,
  TurnError,
  UsageGroup,
  UsageReport,
  Versions,
  WholeTurn,
  WorkspaceChanges,
} from './types.ts';
export type { BudgetOwner, Budgets, UsageFilter } from './usage.ts';
