import { z } from 'zod';

export const turnState = z.enum(['queued', 'running', 'completed', 'error', 'cancelled']);
export type TurnState = z.infer<typeof turnState>;

/**
 * What happened to a turn. `steered`: it became part of one that ran; `read`: that one's agent begins it; `returned`: it
 * never did.
 * `continued`: it goes on in another process.
 */
export const turnPhase = z.enum([
  ...(['queued', 'edited', 'moved', 'started', 'steered', 'read', 'returned', 'continued', 'ended'] as const),
]);
export type TurnPhase = z.infer<typeof turnPhase>;

/**
 * Why a turn went on in another process: its server stopped or was killed (`server_stopped`), was not heard of in time
 * (`server_silent`), or gave it up (`server_failed`); its session made room for others (`made_room`); its agent program died
 * (`agent_ended`), or was to go on and said nothing (`agent_silent`).
 */
export const cutReason = z.enum([
  'server_stopped',
  'server_silent',
  'server_failed',
  'made_room',
  'agent_ended',
  'agent_silent',
]);
export type CutReason = z.infer<typeof cutReason>;

/** How a turn went on in another process. `try` names the decision: to make it again changes nothing. */
export type WentOn = {
  try: string;
  by: 'resume_call' | 'rerun' | 'note' | null;
  note: TurnNote | null;
};

/** What an agent is told instead of the prompt, or behind it; `id` is that of the message. */
export type TurnNote = { id: string; text: string; withPrompt: boolean };

/** How a message reaches a session that is busy; `task` is a turn that a background task of the agent began. */
export const delivery = z.enum(['queue', 'steer', 'interrupt', 'task']);
export type Delivery = z.infer<typeof delivery>;

export const contentBlock = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image'),
    source: z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
      data: z.base64(),
    }),
  }),
]);
export type ContentBlock = z.infer<typeof contentBlock>;

/** Why a turn ended without success; programs may act on the code. */
export const turnErrorCode = z.enum([
  'api_error',
  'rate_limited',
  'overloaded',
  'authentication_failed',
  'invalid_request',
  'refusal',
  'empty',
  'max_turns',
  'budget_exceeded',
  'cancelled',
  'interrupted',
  'agent_crashed',
  'resource_exhausted',
  'timeout',
  'approval_expired',
  'internal',
  'structured_output_failed',
  'storage',
]);
export type TurnErrorCode = z.infer<typeof turnErrorCode>;

/** Of an error's message: it may have come from a program, or a model API, that says much. */
export const MAX_ERROR_CHARACTERS = 4_000;

export const turnError = z.object({ code: turnErrorCode, message: z.string() });
export type TurnError = z.infer<typeof turnError>;

/** What the agent's result message said. Durations in milliseconds. */
export const turnResult = z.object({
  /** The agent's own id of the conversation. */
  session_id: z.string(),
  num_turns: z.number(),
  duration_ms: z.number(),
  usage: z.record(z.string(), z.unknown()).nullable(),
  text: z.string().nullable(),
  /** What the session's `output_format` asked for. */
  structured_output: z.unknown().optional(),
});
export type TurnResult = z.infer<typeof turnResult>;

/** Tokens by kind, summed over the models that a turn used. */
export const tokenUsage = z.object({
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_input_tokens: z.number(),
  cache_creation_input_tokens: z.number(),
});
export type TokenUsage = z.infer<typeof tokenUsage>;

export const noUsage: TokenUsage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
};

/** How a turn ended. */
export type TurnOutcome =
  | { state: 'completed'; result: TurnResult }
  | { state: 'error'; error: TurnError; result: TurnResult | null };
