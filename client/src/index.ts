export type { ApprovalFilter, Approvals } from './approvals.ts';
export { GreenroomClient } from './client.ts';
export { GreenroomConnectionError, GreenroomError, type GreenroomErrorCode } from './errors.ts';
export type { EventsOptions, SessionStreamOptions, StreamOptions } from './events.ts';
export type { Files } from './files.ts';
export type { CallOptions, ClientOptions, CreateOptions, FileContent } from './http.ts';
export type { Messages } from './messages.ts';
export type { Run, RunOptions, RunResult } from './run.ts';
export type { EventQuery, Sessions, TurnQuery } from './sessions.ts';
export type { Tasks } from './tasks.ts';
export type {
  Approval,
  ApprovalAnswer,
  ApprovalKind,
  ApprovalStatus,
  Cleanup,
  ContentBlock,
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
  ForkRequest,
  Interruption,
  MessageEdit,
  MessageRequest,
  MultiplexedEvent,
  Problem,
  Readiness,
  ResetEvent,
  Rewind,
  RewindRequest,
  Session,
  SessionEvent,
  SessionListItem,
  SessionStatus,
  SessionSummary,
  SettingsRequest,
  Status,
  StreamEvent,
  Task,
  ToolResult,
  Turn,
  TurnError,
  Versions,
  WorkspaceChanges,
} from './types.ts';
