import { z } from 'zod';

export const turnState = z.enum(['queued', 'running', 'completed', 'error', 'cancelled']);
export type TurnState = z.infer<typeof turnState>;

/** Why a turn ended without success; programs may act on the code. */
export const turnErrorCode = z.enum([
  'api_error',
  'rate_limited',
  'overloaded',
  'authentication_failed',
  'invalid_request',
  'max_turns',
  'cancelled',
  'interrupted',
  'agent_crashed',
]);
export type TurnErrorCode = z.infer<typeof turnErrorCode>;

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
  | { state: 'completed'; result: TurnResult; costUsd: number; usage: TokenUsage }
  | { state: 'error'; error: TurnError; result: TurnResult | null; costUsd: number; usage: TokenUsage };
