import type { shapes } from './shapes.ts';

type Shapes = ReturnType<typeof shapes>;

/** `POST /execute/`: what to do, and what the agent may do. A field that is null counts as not given. */
export type ExecuteRequest = Shapes['ExecuteRequest'];
export type ExecuteResponse = Shapes['ExecuteResponse'];

/** Status, messages and result of a session, as the classic API shows them. */
export type Status = Shapes['Status'];
export type SessionListItem = Shapes['SessionListItem'];
export type Cleanup = Shapes['Cleanup'];

export type Session = Shapes['Session'];
export type SessionStatus = Session['status'];
/** `PATCH /sessions/{id}`: a field that is left out stays, one that is null is removed. */
export type SettingsRequest = Shapes['SettingsRequest'];
export type Interruption = Shapes['Interruption'];

export type Turn = Shapes['Turn'];
export type TurnError = NonNullable<Turn['error']>;
export type ContentBlock = Shapes['ContentBlock'];
export type MessageRequest = Shapes['MessageRequest'];
export type MessageEdit = Shapes['MessageEdit'];

/** What an agent waits on. */
export type Approval = Shapes['Approval'];
export type ApprovalKind = Approval['kind'];
export type ApprovalStatus = Approval['status'];
export type ApprovalAnswer = Shapes['ApprovalAnswer'];
/** What a client tool gave. */
export type ToolResult = Shapes['ToolResult'];

/** An entry of a session's log, by `kind`. More kinds may come: ignore those that you do not know. */
export type SessionEvent = Shapes['SessionEvent'];
export type EventKind = SessionEvent['kind'];

export type Readiness = Shapes['Readiness'];
export type Versions = Shapes['Versions'];

export type Problem = Shapes['Problem'];
/** What the server's errors are called. A newer server may have more. */
export type ErrorCode = Shapes['ErrorCode'];
export type FieldError = NonNullable<Problem['errors']>[number];

// TODO: from the server's schemas, as soon as it has these routes.
export type FileEntry = {
  name: string;
  type: 'file' | 'directory' | 'link' | 'other';
  size: number | null;
  modified_at: string;
  target?: string | undefined;
};
export type FileListing = { path: string; entries: FileEntry[]; truncated: boolean };
export type FileWritten = { path: string; size: number; etag: string };
export type FileChange = {
  path: string;
  old_path?: string | undefined;
  status: 'added' | 'modified' | 'deleted' | 'renamed';
  additions: number;
  deletions: number;
  binary: boolean;
};
export type WorkspaceChanges = {
  base: 'start';
  files: FileChange[];
  diff: string;
  truncated: boolean;
  omitted_files: string[];
};
export type RewindRequest = { to: string; dry_run?: boolean | undefined };
export type Rewind = {
  files_changed: string[];
  insertions: number;
  deletions: number;
  dry_run: boolean;
  conflicts: { path: string; reason: string }[];
};
export type ForkRequest = {
  at?: number | undefined;
  prompt?: string | undefined;
  title?: string | undefined;
};
export type Task = { task_id: string; description: string; status: string; started_at: string };
