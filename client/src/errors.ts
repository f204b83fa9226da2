import type { ErrorCode, FieldError } from './types.ts';

/** A code of the server's, or one that this version does not know. */
export type GreenroomErrorCode = ErrorCode | 'unexpected_answer' | (string & Record<never, never>);

export type GreenroomErrorFields = {
  status: number;
  code: GreenroomErrorCode;
  detail: string;
  hint?: string | undefined;
  errors?: FieldError[] | undefined;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
};

/** The server's answer was an error: `code` is for programs, `detail` and `hint` for people. */
export class GreenroomError extends Error {
  override readonly name: string = 'GreenroomError';
  /** The HTTP status. */
  readonly status: number;
  /** `unexpected_answer` when the answer came from something else, such as a proxy. */
  readonly code: GreenroomErrorCode;
  readonly detail: string;
  /** What can be done about it. */
  readonly hint: string | undefined;
  /** One entry per invalid field, for `invalid_request`. */
  readonly errors: readonly FieldError[];
  /** Names the request in the server's log. */
  readonly requestId: string | undefined;
  /** When to try again, in milliseconds from the answer. */
  readonly retryAfterMs: number | undefined;

  constructor(fields: GreenroomErrorFields) {
    const hint = fields.hint === undefined ? '' : ` (${fields.hint})`;
    super(`${fields.status} ${fields.code}: ${fields.detail}${hint}`);
    this.status = fields.status;
    this.code = fields.code;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.errors = fields.errors ?? [];
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/** No answer came: the server cannot be reached, or the connection was lost, or the time was over. */
export class GreenroomConnectionError extends Error {
  override readonly name: string = 'GreenroomConnectionError';
}

/** The error that an answer stands for. */
export async function readError(response: Response, now: () => number = Date.now): Promise<GreenroomError> {
  const text = await response.text().catch(() => '');
  const problem = parseObject(text);
  const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return new GreenroomError({
    status: response.status,
    code: string(problem.code) ?? 'unexpected_answer',
    detail: string(problem.detail) ?? (text.slice(0, 200).trim() || response.statusText || 'no details'),
    hint: string(problem.hint),
    errors: Array.isArray(problem.errors) ? (problem.errors as FieldError[]) : undefined,
    requestId: string(problem.request_id) ?? response.headers.get('x-request-id') ?? undefined,
    retryAfterMs: readRetryAfter(response.headers.get('retry-after'), now()),
  });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Seconds, or a date. */
function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
