export type { ApiKeys } from './api-keys.ts';
export type { ApprovalFilter, Approvals } from './approvals.ts';
export type { AuditFilter } from './audit.ts';
export { GreenroomClient } from './client.ts';
export { GreenroomConnectionError, GreenroomError, type GreenroomErrorCode } from './errors.ts';
export type { EventsOptions, SessionStreamOptions, StreamOptions } from './events.ts';
export type { Files } from './files.ts';
export type { CallOptions, ClientOptions, CreateOptions, FileContent } from './http.ts';
export type { Messages } from './messages.ts';
export type { Run, RunOptions, RunResult } from './run.ts';
export type { EventQuery, Sessions, StatusQuery, TurnQuery } from './sessions.ts';
export type { Tasks } from './tasks.ts';
export type {
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
  Cleanup,
  ContentBlock,
  CreatedApiKey,
  CreateKeyRequest,
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
  Interruption,
  Me,
  MessageEdit,
  MessageRequest,
  MultiplexedEvent,
  Permission,
  Problem,
  Readiness,
  ResetEvent,
  Rewind,
  RewindRequest,
  RotateKeyRequest,
  Scope,
  Session,
  SessionEvent,
  SessionListItem,
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
