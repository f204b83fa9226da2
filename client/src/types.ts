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
export type Fork = Shapes['Fork'];
export type SessionStatus = Session['status'];
/** `PATCH /sessions/{id}`: a field that is left out stays, one that is null is removed. */
export type SettingsRequest = Shapes['SettingsRequest'];
export type ForkRequest = NonNullable<Shapes['ForkRequest']>;
export type Interruption = Shapes['Interruption'];

export type Turn = Shapes['Turn'];
/** One turn, with the images of its prompt. */
export type WholeTurn = Shapes['WholeTurn'];
export type TurnError = NonNullable<Turn['error']>;
export type ContentBlock = Shapes['ContentBlock'];
export type MessageRequest = Shapes['MessageRequest'];
/** `PATCH` of a message that waits: what is left out stays. */
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
export type EventPage = Omit<Shapes['EventPage'], 'events'> & { events: SessionEvent[] };

/** A piece of a message that is being written; never stored. `offset` tells whether one before it is missing. */
export type DeltaEvent = { kind: 'delta'; turn_id: string | null; data: Shapes['Delta'] };

/** The stream could not begin where it was asked to: forget what you have, all events follow. */
export type ResetEvent = {
  kind: 'reset';
  turn_id: null;
  data: { reason: Shapes['ResetReason']; first_seq: number | null; last_seq: number };
};

/** What the stream of a session gives. */
export type StreamEvent = SessionEvent | DeltaEvent | ResetEvent;

/** How a session stands, in short, to whoever asks. */
export type SessionSummary = Shapes['SessionSummary'];
export type SessionState = Shapes['SessionState'];
export type SessionCounts = Shapes['SessionCounts'];
/** How far a session has been read, and whether it is pinned, by whoever asks. */
export type SessionMarks = Shapes['SessionMarks'];
export type AllRead = Shapes['AllRead'];
export type MarksRequest = Shapes['MarksRequest'];

/** What the stream over many sessions gives. */
export type MultiplexedEvent =
  | (StreamEvent & { session_id: string })
  | { kind: 'summary'; session_id: string; turn_id: null; data: SessionSummary }
  /** The snapshot is complete: what follows is news. `now` is the clock that all times are from. */
  | { kind: 'ready'; turn_id: null; data: { sessions: number; now: string } }
  /** The session is gone. */
  | { kind: 'end'; session_id: string; turn_id: null; data: { reason: 'deleted' | 'not_found' } };

/** A command or subagent that goes on in the background. */
export type Task = Shapes['Task'];

export type FileListing = Shapes['FileListing'];
export type FileEntry = FileListing['entries'][number];
export type FileWritten = Shapes['FileWritten'];
export type WorkspaceChanges = Shapes['WorkspaceChanges'];
export type FileChange = WorkspaceChanges['files'][number];
export type RewindRequest = Shapes['RewindRequest'];
export type Rewind = Shapes['Rewind'];

/** What an approval allowed for the rest of a session. */
export type Grant = Session['grants'][number];

/** A saved body of `POST /execute/`. */
export type Preset = Shapes['Preset'];
export type CreatePresetRequest = Shapes['CreatePresetRequest'];
/** `PATCH /presets/{id}`: a field that is left out stays. */
export type ChangePresetRequest = Shapes['ChangePresetRequest'];

/** Of one tenant; its secret is known to whoever made it. */
export type ApiKey = Shapes['ApiKey'];
export type Scope = ApiKey['scopes'][number];
export type CreatedApiKey = Shapes['CreatedApiKey'];
export type CreateKeyRequest = Shapes['CreateKeyRequest'];
/** `PATCH /api-keys/{id}`: a field that is left out stays. */
export type ChangeKeyRequest = Shapes['ChangeKeyRequest'];
export type RotateKeyRequest = Shapes['RotateKeyRequest'];

/** What a browser signs in with: an API key, or the code of a link that the server printed. */
export type SignIn = { apiKey: string } | { code: string };
/** Who asks, what they may, and what the server offers them. */
export type Me = Shapes['Me'];
/** Whether somebody may do a thing, and if not, why. */
export type Permission = Me['may'][keyof Me['may']];

/** Who did what, or tried to. */
export type AuditEntry = Shapes['AuditEntry'];
export type AuditOutcome = AuditEntry['outcome'];
export type StreamTicket = Shapes['StreamTicket'];

/** What an API key or a tenant may spend in a day, in a month, or in all. */
export type Budget = Shapes['Budget'];
export type BudgetPeriod = Shapes['BudgetPeriod'];
export type UsageReport = Shapes['UsageReport'];
export type UsageGroup = Shapes['UsageGroup'];

export type Readiness = Shapes['Readiness'];
export type Versions = Shapes['Versions'];

export type Problem = Shapes['Problem'];
/** What the server's errors are called. A newer server may have more. */
export type ErrorCode = Shapes['ErrorCode'];
export type FieldError = NonNullable<Problem['errors']>[number];
