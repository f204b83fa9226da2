export type { ApprovalFilter, Approvals } from './approvals.ts';
export { GreenroomClient } from './client.ts';
export { GreenroomConnectionError, GreenroomError, type GreenroomErrorCode } from './errors.ts';
export type { Files } from './files.ts';
export type { CallOptions, ClientOptions, CreateOptions, FileContent } from './http.ts';
export type { Messages } from './messages.ts';
export type { Run, RunOptions, RunResult } from './run.ts';
export type { DeltaEvent, ResetEvent, SessionStreamOptions, StreamEvent } from './session-stream.ts';
export type { Sessions, TurnQuery } from './sessions.ts';
export type { Tasks } from './tasks.ts';
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
  FileChange,
  FileEntry,
  FileListing,
  FileWritten,
  ForkRequest,
  Interruption,
  MessageEdit,
  MessageRequest,
  Problem,
  Readiness,
  Rewind,
  RewindRequest,
  Session,
  SessionEvent,
  SessionListItem,
  SessionStatus,
  SettingsRequest,
  Status,
  Task,
  ToolResult,
  Turn,
  TurnError,
  Versions,
  WorkspaceChanges,
} from './types.ts';
