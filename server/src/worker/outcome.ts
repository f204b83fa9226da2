import { z } from 'zod';
import { errorMessage } from '../errors.ts';
import type { SessionOptions } from '../session/session.ts';
import { noUsage, type TurnError, type TurnErrorCode, type TurnOutcome } from '../turn/turn.ts';
import { modelUsage, type Spent, sumOf } from './spend.ts';

/** The parts of the SDK's result message that decide how a turn ended. */
const resultMessage = z.looseObject({
  type: z.literal('result'),
  subtype: z.string(),
  is_error: z.boolean(),
  session_id: z.string(),
  num_turns: z.number().default(0),
  duration_ms: z.number().default(0),
  result: z.string().nullish(),
  errors: z.array(z.string()).nullish(),
  usage: z.record(z.string(), z.unknown()).nullish(),
  terminal_reason: z.string().nullish(),
  api_error_status: z.number().nullish(),
  /** The prompts that it answers. */
  user_message_uuids: z.array(z.string()).nullish(),
  structured_output: z.unknown().optional(),
  // Not in the SDK's types; missing only where no model was asked.
  model_usage_since_last_result: modelUsage.nullish(),
  /** Totals, which go on counting across turns and resumes. */
  modelUsage: modelUsage.nullish(),
});
export type ResultMessage = z.infer<typeof resultMessage>;

export function parseResult(message: unknown): ResultMessage {
  return resultMessage.parse(message);
}

/** What the model calls since the last result have cost. */
export function spentOf(message: ResultMessage): Spent {
  const spent = message.model_usage_since_last_result;
  // An SDK update that drops the field must not make every turn look free.
  if (!spent && message.num_turns > 0) throw new Error('the result message does not say what the turn cost');
  return sumOf(spent ?? {});
}

/**
 * What the result says of this turn alone; the totals beside it go on counting across turns and resumes. `options` are
 * those of the session: they tell what a success must have.
 */
export function outcomeOf(
  message: ResultMessage,
  options: Pick<SessionOptions, 'output_format'>,
): TurnOutcome {
  const spent = spentOf(message);
  const result = {
    session_id: message.session_id,
    num_turns: message.num_turns,
    duration_ms: message.duration_ms,
    usage: message.usage ?? null,
    text: message.result ?? null,
    ...(message.structured_output === undefined ? {} : { structured_output: message.structured_output }),
  };
  const error = errorOf(message, options);
  return error === null
    ? { state: 'completed', result, ...spent }
    : { state: 'error', error, result, ...spent };
}

function errorOf(message: ResultMessage, options: Pick<SessionOptions, 'output_format'>): TurnError | null {
  if (!isSuccess(message)) return { code: errorCode(message), message: errorText(message) };
  // A slash command asks no model, and has nothing to give.
  const isAnswer = message.num_turns > 0;
  if (options.output_format === undefined || !isAnswer || message.structured_output !== undefined)
    return null;
  return {
    code: 'structured_output_failed',
    message: 'The agent ended its turn without the structured output that output_format asks for.',
  };
}

// `is_error` decides, not `subtype`: an API error is subtype "success" with is_error.
function isSuccess(message: ResultMessage): boolean {
  const isCompleted = (message.terminal_reason ?? 'completed') === 'completed';
  return message.subtype === 'success' && !message.is_error && isCompleted;
}

function errorCode(message: ResultMessage): TurnErrorCode {
  if (message.subtype === 'error_max_turns') return 'max_turns';
  if (message.subtype === 'error_max_budget_usd') return 'budget_exceeded';
  if (message.subtype === 'error_max_structured_output_retries') return 'structured_output_failed';
  if (message.terminal_reason?.startsWith('aborted')) return 'interrupted';
  const status = message.api_error_status;
  if (status === 401 || status === 403) return 'authentication_failed';
  if (status === 429) return 'rate_limited';
  if (status === 529) return 'overloaded';
  if (status !== undefined && status !== null && status >= 400 && status < 500) return 'invalid_request';
  return 'api_error';
}

function errorText(message: ResultMessage): string {
  const text = message.result || message.errors?.join('\n');
  return withoutNul(text || `the agent ended its turn: ${message.terminal_reason ?? message.subtype}`);
}

/** PostgreSQL's text cannot hold it, and what a program printed may. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

/** Of a turn whose agent process ended, or could not be started. */
export function crashOutcome(error: unknown, isDraining: boolean): TurnOutcome {
  if (!isDraining) return outcomeWithoutResult('agent_crashed', errorMessage(error));
  return outcomeWithoutResult('interrupted', 'The server was stopped while the turn was running.');
}

/** Of a turn whose agent gave no result: what it cost is not known. */
export function outcomeWithoutResult(code: TurnErrorCode, message: string): TurnOutcome {
  const error = { code, message: withoutNul(message) };
  return { state: 'error', error, result: null, costUsd: 0, usage: noUsage };
}
