import { z } from 'zod';
import { errorMessage } from '../../ground/errors.ts';
import { UnfitSchema } from '../../ground/json-schema/schema.ts';
import type { SessionOptions } from '../../session/session.ts';
import {
  MAX_ERROR_CHARACTERS,
  type TurnError,
  type TurnErrorCode,
  type TurnOutcome,
} from '../../session/turn/turn.ts';
import { AgentCrashedError } from '../agent/agent-process.ts';

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
  /** Of the model's last answer. */
  stop_reason: z.string().nullish(),
  api_error_status: z.number().nullish(),
  /** The prompts that it answers. */
  user_message_uuids: z.array(z.string()).nullish(),
  structured_output: z.unknown().optional(),
});
export type ResultMessage = z.infer<typeof resultMessage>;

export function parseResult(message: unknown): ResultMessage {
  return resultMessage.parse(message);
}

/**
 * Of a turn in which the agent said several results, the last one that answers a message is the turn's: what the agent
 * says of work that it began by itself does not stand in its place. Steps and time add up.
 */
export function joinResults(earlier: ResultMessage, later: ResultMessage): ResultMessage {
  const answers = ({ user_message_uuids: ids }: ResultMessage): boolean => (ids ?? []).length > 0;
  const chosen = answers(earlier) && !answers(later) ? earlier : later;
  return {
    ...chosen,
    num_turns: earlier.num_turns + later.num_turns,
    duration_ms: earlier.duration_ms + later.duration_ms,
    usage: addUsage(earlier.usage, later.usage),
  };
}

/** Of what is counted; of the rest the later says how it stands. */
function addUsage(earlier: ResultMessage['usage'], later: ResultMessage['usage']): ResultMessage['usage'] {
  const before = earlier ?? {};
  const sums = Object.entries(later ?? {}).map(([name, value]) => {
    const known = before[name];
    return [name, typeof value === 'number' && typeof known === 'number' ? value + known : value] as const;
  });
  return { ...before, ...Object.fromEntries(sums) };
}

/** What the turn's end depends on beside its result. */
export type OutcomeContext = {
  /** Of the session: they tell what a success must have. */
  options: Pick<SessionOptions, 'output_format'>;
  /** Why the gateway refused the latest model request, if a budget is spent. */
  spentBudget: string | null;
};

/** What the result says of this turn alone; the totals beside it go on counting across turns and resumes. */
export function outcomeOf(message: ResultMessage, context: OutcomeContext): TurnOutcome {
  const result = {
    session_id: message.session_id,
    num_turns: message.num_turns,
    duration_ms: message.duration_ms,
    usage: message.usage ?? null,
    text: message.result == null ? null : withoutGateway(message.result),
    ...(message.structured_output === undefined ? {} : { structured_output: message.structured_output }),
  };
  const error = errorOf(message, context);
  return error === null ? { state: 'completed', result } : { state: 'error', error, result };
}

function errorOf(message: ResultMessage, { options, spentBudget }: OutcomeContext): TurnError | null {
  if (message.api_error_status === 402 && spentBudget !== null) {
    return { code: 'budget_exceeded', message: spentBudget };
  }
  if (!isSuccess(message)) return { code: errorCode(message), message: errorText(message) };
  // A slash command asks no model, and has nothing to give.
  if (message.num_turns === 0 || message.structured_output !== undefined) return null;
  if (options.output_format !== undefined) {
    return {
      code: 'structured_output_failed',
      message: 'The agent ended its turn without the structured output that output_format asks for.',
    };
  }
  // The agent program has asked once more by then.
  return message.result?.trim() === ''
    ? { code: 'empty', message: 'The model ended the turn without an answer.' }
    : null;
}

// `is_error` decides, not `subtype`: an API error is subtype "success" with is_error.
function isSuccess(message: ResultMessage): boolean {
  const isCompleted = (message.terminal_reason ?? 'completed') === 'completed';
  return (
    message.subtype === 'success' && !message.is_error && isCompleted && message.stop_reason !== 'refusal'
  );
}

function errorCode(message: ResultMessage): TurnErrorCode {
  if (message.stop_reason === 'refusal') return 'refusal';
  if (message.subtype === 'error_max_turns') return 'max_turns';
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
  return toMessage(
    withoutGateway(text || '') || `the agent ended its turn: ${message.terminal_reason ?? message.subtype}`,
  );
}

/** The agent program advises to look at the model gateway, at an address that is nobody's business. */
function withoutGateway(text: string): string {
  return text.replace(/ ?If it persists, check your inference gateway \([^)]*\)\.?/, '');
}

/** As it is kept. PostgreSQL's text cannot hold a NUL, and what a program printed may; it may also be very long. */
function toMessage(text: string): string {
  const message = text.slice(0, 2 * MAX_ERROR_CHARACTERS).replaceAll('\0', '');
  if (message.length <= MAX_ERROR_CHARACTERS) return message;
  return `${message.slice(0, MAX_ERROR_CHARACTERS - 1).toWellFormed()}…`;
}

/** Of a turn whose agent process ended, or could not be started. `isLeaving`: because the server stops. */
export function crashOutcome(error: unknown, isLeaving: boolean): TurnOutcome {
  if (error instanceof UnfitSchema) {
    // Taken by an earlier version of the server.
    const message = `A schema in output_format or client_tools cannot be used: ${error.message}`;
    return outcomeWithoutResult('invalid_request', message);
  }
  if (!isLeaving) {
    const exhausted = error instanceof AgentCrashedError ? error.exhausted : null;
    if (exhausted === null) return outcomeWithoutResult('agent_crashed', errorMessage(error));
    const message = `The agent ended after it had reached its limit of ${exhausted}: ${errorMessage(error)}`;
    return outcomeWithoutResult('resource_exhausted', message);
  }
  return outcomeWithoutResult('interrupted', 'The server was stopped while the turn was running.');
}

/** Of a turn whose agent gave no result. */
export function outcomeWithoutResult(code: TurnErrorCode, message: string): TurnOutcome {
  const error = { code, message: toMessage(message) };
  return { state: 'error', error, result: null };
}
