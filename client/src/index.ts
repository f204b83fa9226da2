export type { ApprovalFilter, Approvals } from './approvals.ts';
export { GreenroomClient } from './client.ts';
export { GreenroomConnectionError, GreenroomError, type GreenroomErrorCode } from './errors.ts';
export type { CallOptions, ClientOptions, CreateOptions } from './http.ts';
export type { Messages } from './messages.ts';
export type { Run, RunOptions, RunResult } from './run.ts';
export type { DeltaEvent, ResetEvent, SessionStreamOptions, StreamEvent } from './session-stream.ts';
export type { Sessions, TurnQuery } from './sessions.ts';
export type {
  Approval,
  ApprovalAnswer,
  ApprovalKind,
  ApprovalStatus,
  Cleanup,
  ContentBlock,
  ErrorCode,
  EventKind,
  ExecuteRequest,
  ExecuteResponse,
  FieldError,
  Interruption,
  MessageEdit,
  MessageRequest,
  Problem,
  Readiness,
  Session,
  SessionEvent,
  SessionListItem,
  SessionStatus,
  SettingsRequest,
  Status,
  ToolResult,
  Turn,
  TurnError,
  Versions,
} from './types.ts';
