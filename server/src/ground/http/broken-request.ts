import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../errors.ts';
import { PROBLEM_TYPE, renderProblem } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Answers what is no readable HTTP request, or never became a whole one; Node hands over the bare connection. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET') writeProblem(socket, toAppError(error));
  socket.destroy(error);
}

/** For a connection on which no request was read. */
export function writeProblem(socket: Socket, error: AppError): void {
  if (!socket.writable) return;
  const id = randomUUID();
  const body = JSON.stringify(renderProblem(error, id));
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    'x-request-id': id,
    ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write([`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`, ...lines, '', body].join('\r\n'));
}

function toAppError({ code }: { code?: string }): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('headers_too_large', 'The headers are larger than 16 KB.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('request_timeout', 'The request did not arrive in time.');
    default:
      return new AppError('malformed_request', 'This is not a valid HTTP request.');
  }
}
