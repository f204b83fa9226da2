import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isCancelledStatement, isDatabaseUnavailable, isDiskFull, isLockTimeout } from '../db/sqlstate.ts';
import { AppError, type ErrorCode, errorStatus, type FieldError } from '../errors.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { fieldErrors } from './validation.ts';

/** RFC 9457 problem details. `detail` is a string, as it was in the API that this one replaces. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    hint: z.string().optional(),
    request_id: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457, application/problem+json).' });

const titles: Record<ErrorCode, string> = {
  invalid_request: 'The request is not valid',
  malformed_request: 'The request could not be read',
  malformed_body: 'The body could not be read',
  body_too_large: 'The body is too large',
  headers_too_large: 'The headers are too large',
  unsupported_media_type: 'The body is of a kind that is not read here',
  unauthorized: 'An API key is needed',
  forbidden: 'The API key may not do this',
  rate_limited: 'Too many requests with this API key',
  key_revoked: 'The API key was revoked',
  forbidden_host: 'Not answered to this name',
  forbidden_origin: 'Not answered to pages of this site',
  not_found: 'Not found',
  console_not_built: 'There is no console here',
  method_not_allowed: 'Method not allowed',
  session_running: 'The session is running',
  session_not_running: 'The session is not running',
  session_not_resumable: 'The session cannot be resumed',
  workspace_elsewhere: 'The workspace is on another node',
  not_supported: 'Not possible here',
  not_regular_file: 'Not a regular file',
  file_conflict: 'Something else is in the way',
  precondition_failed: 'The file is another one by now',
  range_not_satisfiable: 'The range lies outside the file',
  storage: 'The disk is full',
  message_not_queued: 'The message is not waiting any more',
  name_taken: 'Something else has this name',
  approval_decided: 'The approval does not wait any more',
  idempotency_in_flight: 'The same request is under way',
  idempotency_key_reused: 'The Idempotency-Key was used for another request',
  overloaded: 'Too many requests',
  request_timeout: 'The request took too long',
  database_unavailable: 'The database is not available',
  shutting_down: 'The server is shutting down',
  internal_error: 'Internal error',
};

export const PROBLEM_TYPE = 'application/problem+json';

type ProblemStatus = (typeof errorStatus)[ErrorCode];
type ProblemResponse = { description: string; content: { [PROBLEM_TYPE]: { schema: typeof problem } } };

/** A route's error answers, for its schema. */
export function problems<Status extends ProblemStatus>(
  ...statuses: Status[]
): Record<Status, ProblemResponse> {
  const entries = statuses.map((status) => [status, describeProblem(status)]);
  return Object.fromEntries(entries) as Record<Status, ProblemResponse>;
}

function describeProblem(status: ProblemStatus): ProblemResponse {
  const codes = (Object.keys(errorStatus) as ErrorCode[]).filter((code) => errorStatus[code] === status);
  return {
    description: codes.map((code) => `${titles[code]} (\`${code}\`)`).join(' · '),
    content: { [PROBLEM_TYPE]: { schema: problem } },
  };
}

/** The one place where errors become responses. */
export function installErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const known = toAppError(error, request);
    // A refusal while draining is as it should be.
    if (known.status < 500 || known.code === 'shutting_down') return send(known, request, reply);
    // An outage is no fault of this program's, and each request meets it.
    const level = known.code === 'database_unavailable' ? 'warn' : 'error';
    request.log[level]({ err: error }, known.message);
    return send(known, request, reply);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = allowedMethods(app, request);
    if (allowed.length > 0) reply.header('allow', allowed.join(', '));
    return send(unknownRoute(request, allowed), request, reply);
  });
}

/** For requests that reach no route, not even the one for what is not found. */
export function handleFrameworkError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
  send(toAppError(error, request), request, reply);
}

function send(error: AppError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  return reply
    .code(error.status)
    .type(PROBLEM_TYPE)
    .serializer(JSON.stringify)
    .send(renderProblem(error, request.id));
}

export function renderProblem(error: AppError, requestId: string): z.infer<typeof problem> {
  const isInternal = error.code === 'internal_error';
  return {
    type: `urn:greenroom:error:${error.code}`,
    title: titles[error.code],
    status: error.status,
    // It may quote what was sent, cut anywhere.
    detail: isInternal ? 'The server failed; its log has the request id.' : error.message.toWellFormed(),
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    request_id: requestId,
    ...(error.errors === undefined ? {} : { errors: error.errors.map(wellFormedError) }),
  };
}

function wellFormedError({ field, message }: FieldError): FieldError {
  return { field: field.toWellFormed(), message: message.toWellFormed() };
}

function toAppError(error: FastifyError, request: FastifyRequest): AppError {
  if (error instanceof AppError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const part = error.validationContext ?? 'body';
    return invalidRequest(fieldErrors(error.validation, { request, part }));
  }
  const refusal = describeRefusal(error);
  if (refusal !== null) {
    return new AppError('database_unavailable', refusal, {
      cause: error,
      retryAfterSeconds: 2,
      hint: 'try again; nothing of this request was kept',
    });
  }
  return fromFastify(error, request) ?? new AppError('internal_error', error.message, { cause: error });
}

/** Why the database did not do it, where that is no fault of the request's or ours; else null. */
function describeRefusal(error: unknown): string | null {
  if (isLockTimeout(error)) return 'Something else has held for long what this request needs.';
  if (isCancelledStatement(error))
    return 'The database gave a statement up: it took too long, or was cancelled.';
  if (isDiskFull(error)) return "The database's disk is full.";
  return isDatabaseUnavailable(error) ? 'The database cannot be reached at the moment.' : null;
}

export function invalidRequest(errors: FieldError[]): AppError {
  const detail = errors
    .map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
    .join('; ');
  return new AppError('invalid_request', detail, { errors });
}

function fromFastify(error: FastifyError, { routeOptions }: FastifyRequest): AppError | null {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError(
        'body_too_large',
        `The body is larger than ${Math.round((routeOptions.bodyLimit ?? 0) / 2 ** 20)} MB.`,
      );
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('unsupported_media_type', 'Send the body as application/json.');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError('malformed_body', 'The body is shorter or longer than its content-length says.');
    case 'FST_ERR_BAD_URL':
      return new AppError('malformed_request', 'The URL has a % that begins no valid escape.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new AppError('not_found', 'There is nothing under a URL this long.');
    default:
      return error.statusCode === 400 ? new AppError('malformed_body', error.message) : null;
  }
}

const methods = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'] as const;

function allowedMethods(app: FastifyInstance, request: FastifyRequest): string[] {
  return methods.filter((method) => app.findRoute({ method, url: pathOf(request) }) !== null);
}

function unknownRoute(request: FastifyRequest, allowed: readonly string[]): AppError {
  if (allowed.length === 0) {
    return new AppError('not_found', `There is no ${request.method} ${pathOf(request)}.`, {
      hint: 'GET / lists the routes',
    });
  }
  const message = `${request.method} is not allowed here (allowed: ${allowed.join(', ')}).`;
  return new AppError('method_not_allowed', message);
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? url;
}
