import type { Approval, TurnError } from '@greenroom/client';

/*
 * What a transcript shows, one item a row. The log's events become items (items.ts), and nothing else does. Times are
 * milliseconds of the server's clock.
 */

/** `writing`: the model still writes its input. `denied`: a person or a rule said no. `unknown`: it never came back. */
export type ToolCallState = 'writing' | 'waiting' | 'running' | 'done' | 'failed' | 'denied' | 'unknown';

export type ToolCall = {
  /** `toolu_…` */
  id: string;
  /** `Bash`, `mcp__server__tool`, … */
  name: string;
  state: ToolCallState;
  /** Null while it is being written. */
  input: Readonly<Record<string, unknown>> | null;
  /** JSON text as far as it is written; empty once `input` is there. */
  inputText: string;
  /** What the model was given: text, or blocks of text and images, as the Agent SDK has them. Hostile. */
  output: string | readonly unknown[] | null;
  /** What the program itself knows of the outcome (`tool_use_result`), by tool: a patch, stdout and stderr … Hostile. */
  details: unknown;
  startedAt: number | null;
  endedAt: number | null;
  /** The call of the subagent that made this call; null is the agent itself. */
  parentId: string | null;
};

type Placed = {
  /** The same for as long as the row is: also when what streams becomes what is stored. */
  key: string;
  /** Of the event that it is of; null while it streams. */
  seq: number | null;
  at: number;
  turnId: string | null;
};

/**
 * What the agent was told. `queued`: it waits. `steered`: it became part of the turn that ran. `taken_back`: no agent
 * ever read it.
 */
export type PromptItem = Placed & {
  kind: 'prompt';
  text: string;
  /** How many images it has; they are in the turn itself. */
  images: number;
  state: 'queued' | 'started' | 'steered' | 'taken_back';
  /** `task` is what the agent was told about a background task; `agent` what a subagent was told by its own agent. */
  delivery: 'queue' | 'steer' | 'interrupt' | 'task' | 'agent';
  /** Null for a subagent. */
  turn: number | null;
};
export type TextItem = Placed & { kind: 'text'; text: string; isStreaming: boolean };
export type ThinkingItem = Placed & {
  kind: 'thinking';
  text: string;
  isStreaming: boolean;
  endedAt: number | null;
};
export type ToolItem = Placed & { kind: 'tool'; call: ToolCall };
/** Asked of a person, and what came of it. */
export type ApprovalItem = Placed & { kind: 'approval'; approval: Approval };
export type TurnEndItem = Placed & {
  kind: 'turn_end';
  turn: number;
  state: 'completed' | 'error' | 'cancelled';
  error: TurnError | null;
  durationMs: number | null;
  costUsd: number | null;
};
export type NoticeCode =
  | 'text'
  | 'compacted'
  | 'retry'
  | 'modelFallback'
  | 'transcriptLost'
  | 'conversationReset'
  | 'rateLimited'
  | 'forked'
  | 'wentOn';
export type Notice = {
  /** Names its words; `text` says what is in `values.text`, which is hostile. */
  code: NoticeCode;
  tone: 'plain' | 'warning' | 'error';
  values: Readonly<Record<string, string | number>>;
};
/** What the program or the server says beside the conversation: compaction, retries, warnings. */
export type NoticeItem = Placed & { kind: 'notice'; notice: Notice };

export type TranscriptItem =
  | PromptItem
  | TextItem
  | ThinkingItem
  | ToolItem
  | ApprovalItem
  | TurnEndItem
  | NoticeItem;
