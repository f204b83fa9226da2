/** Every error code that a client may see, with the HTTP status it becomes. */
export const errorStatus = {
  invalid_request: 422,
  malformed_request: 400,
  malformed_body: 400,
  body_too_large: 413,
  headers_too_large: 431,
  unsupported_media_type: 415,
  unauthorized: 401,
  forbidden: 403,
  rate_limited: 429,
  key_revoked: 409,
  forbidden_host: 403,
  forbidden_origin: 403,
  not_found: 404,
  console_not_built: 404,
  method_not_allowed: 405,
  session_running: 400,
  session_not_running: 400,
  session_not_resumable: 400,
  workspace_elsewhere: 409,
  not_supported: 409,
  not_regular_file: 409,
  file_conflict: 409,
  precondition_failed: 412,
  range_not_satisfiable: 416,
  storage: 507,
  message_not_queued: 409,
  name_taken: 409,
  approval_decided: 409,
  idempotency_in_flight: 409,
  idempotency_key_reused: 422,
  overloaded: 429,
  request_timeout: 408,
  database_unavailable: 503,
  shutting_down: 503,
  internal_error: 500,
} as const;

export type ErrorCode = keyof typeof errorStatus;

export type FieldError = { field: string; message: string };

export type AppErrorOptions = {
  cause?: unknown;
  /** What the reader can do next. */
  hint?: string;
  /** One entry per invalid field, for `invalid_request`. */
  errors?: FieldError[];
  retryAfterSeconds?: number;
};

/** An error whose message may be shown to the client. A bare `Error` is a bug of ours. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return errorStatus[this.code];
  }
}

/** The server cannot start, and the operator can mend it. The message is shown without a stack; exit code 1. */
export class StartupError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'StartupError';
    this.hint = options.hint;
  }
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
