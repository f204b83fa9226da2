import type { z } from 'zod';
import type {
  apiKeyView,
  changeKeyRequest,
  createdKeyView,
  createKeyRequest,
  rotateKeyRequest,
} from '../../server/src/access/api-key/api-key.ts';
import type { auditEntry } from '../../server/src/access/audit/audit.ts';
import type { budgetView } from '../../server/src/access/budget/budget.ts';
import type { meView } from '../../server/src/access/me/me.ts';
import type { ticketView } from '../../server/src/access/stream-ticket/stream-ticket.ts';
import type { UsageGroup, usageReport } from '../../server/src/access/usage/usage.ts';
import type {
  cleanupResponse,
  executeRequest,
  executeResponse,
  sessionListItem,
  statusResponse,
} from '../../server/src/face/classic/classic.ts';
import type { readiness, versions } from '../../server/src/face/operations/view.ts';
import type { ErrorCode } from '../../server/src/ground/errors.ts';
import type { problem } from '../../server/src/ground/http/problem.ts';
import type { answerRequest, approvalView, toolResult } from '../../server/src/session/approval/approval.ts';
import type { deltaView } from '../../server/src/session/event/delta.ts';
import type { EventView } from '../../server/src/session/event/event.ts';
import type {
  changePresetRequest,
  createPresetRequest,
  presetView,
} from '../../server/src/session/preset/preset.ts';
import type { settingsRequest } from '../../server/src/session/settings.ts';
import type {
  allRead,
  marksRequest,
  marksView,
  sessionCounts,
} from '../../server/src/session/summary/marks.ts';
import type { SessionState, sessionSummary } from '../../server/src/session/summary/summary.ts';
import type { taskView } from '../../server/src/session/task/task.ts';
import type { editRequest, messageRequest } from '../../server/src/session/turn/message.ts';
import type { contentBlock } from '../../server/src/session/turn/turn.ts';
import type { turnView, wholeTurnView } from '../../server/src/session/turn/view.ts';
import type { BudgetPeriod } from '../../server/src/session/usage/budget.ts';
import type { interruptionView, sessionView } from '../../server/src/session/view.ts';
import type { resetReason } from '../../server/src/stream/cursor.ts';
import type { eventPage } from '../../server/src/stream/queries.ts';
import type { changesView, rewindRequest, rewindView } from '../../server/src/workspace/changes.ts';
import type { forkRequest, forkView } from '../../server/src/workspace/fork/fork.ts';
import type { fileListing, fileWritten } from '../../server/src/workspace/listing.ts';

/**
 * The API's types, taken from the server's schemas. What is exported here is a function that nobody calls, because
 * tsc copies a type alias into a declaration as it is written, imports and all, but spells out what a function
 * returns: so the published declarations need neither the server nor zod. A union that has a name keeps it; what a
 * schema gives has none.
 */
declare function spelledOut<T>(): { [K in keyof T]: T[K] };
declare function sent<S extends z.ZodType>(): ReturnType<typeof spelledOut<z.input<S>>>;
declare function received<S extends z.ZodType>(): ReturnType<typeof spelledOut<z.output<S>>>;

export const shapes = () => ({
  CreateKeyRequest: sent<typeof createKeyRequest>(),
  ChangeKeyRequest: sent<typeof changeKeyRequest>(),
  RotateKeyRequest: sent<typeof rotateKeyRequest>(),
  CreatePresetRequest: sent<typeof createPresetRequest>(),
  ChangePresetRequest: sent<typeof changePresetRequest>(),
  ExecuteRequest: sent<typeof executeRequest>(),
  MessageRequest: sent<typeof messageRequest>(),
  MessageEdit: sent<typeof editRequest>(),
  ForkRequest: sent<typeof forkRequest>(),
  SettingsRequest: sent<typeof settingsRequest>(),
  ApprovalAnswer: sent<typeof answerRequest>(),
  MarksRequest: sent<typeof marksRequest>(),
  RewindRequest: sent<typeof rewindRequest>(),
  ToolResult: sent<typeof toolResult>(),
  ContentBlock: sent<typeof contentBlock>(),

  ExecuteResponse: received<typeof executeResponse>(),
  Status: received<typeof statusResponse>(),
  SessionListItem: received<typeof sessionListItem>(),
  Cleanup: received<typeof cleanupResponse>(),
  Session: received<typeof sessionView>(),
  Fork: received<typeof forkView>(),
  Interruption: received<typeof interruptionView>(),
  Turn: received<typeof turnView>(),
  WholeTurn: received<typeof wholeTurnView>(),
  Approval: received<typeof approvalView>(),
  SessionEvent: spelledOut<EventView>(),
  EventPage: received<typeof eventPage>(),
  Delta: received<typeof deltaView>(),
  ResetReason: received<typeof resetReason>(),
  SessionSummary: received<typeof sessionSummary>(),
  SessionState: spelledOut<SessionState>(),
  SessionCounts: received<typeof sessionCounts>(),
  SessionMarks: received<typeof marksView>(),
  AllRead: received<typeof allRead>(),
  Task: received<typeof taskView>(),
  FileListing: received<typeof fileListing>(),
  FileWritten: received<typeof fileWritten>(),
  WorkspaceChanges: received<typeof changesView>(),
  Rewind: received<typeof rewindView>(),
  Preset: received<typeof presetView>(),
  ApiKey: received<typeof apiKeyView>(),
  CreatedApiKey: received<typeof createdKeyView>(),
  Me: received<typeof meView>(),
  AuditEntry: received<typeof auditEntry>(),
  StreamTicket: received<typeof ticketView>(),
  Budget: received<typeof budgetView>(),
  BudgetPeriod: spelledOut<BudgetPeriod>(),
  UsageReport: received<typeof usageReport>(),
  UsageGroup: spelledOut<UsageGroup>(),
  Readiness: received<typeof readiness>(),
  Versions: received<typeof versions>(),
  Problem: received<typeof problem>(),
  ErrorCode: spelledOut<ErrorCode>(),
});
