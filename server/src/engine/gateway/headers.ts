import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

// Of the agent's request: what belongs to the connection or to the agent's own credential, and what says in whose name
// it is made. The rest goes through, since every other `anthropic-*` header that is lost costs a feature.
const droppedRequestHeaders = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'upgrade',
  'expect',
  'cookie',
  'authorization',
  'x-api-key',
  'accept-encoding',
  'anthropic-organization-id',
  'anthropic-user-profile-id',
  'anthropic-workspace-id',
]);
const droppedResponseHeaders = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'set-cookie',
]);

type Headers = Record<string, string | string[]>;

export function requestHeaders(headers: IncomingHttpHeaders): Headers {
  return without(headers, droppedRequestHeaders);
}

export function responseHeaders(headers: IncomingHttpHeaders): Headers {
  return without(headers, droppedResponseHeaders);
}

function without(headers: IncomingHttpHeaders, dropped: ReadonlySet<string>): Headers {
  const passed = Object.entries(headers).filter(([name, value]) => value !== undefined && !dropped.has(name));
  return Object.fromEntries(passed) as Headers;
}

/** What a client on loopback proves itself by. */
export function tokenOf(request: IncomingMessage): string {
  const key = request.headers['x-api-key'];
  if (typeof key === 'string') return key;
  return request.headers.authorization?.replace(/^Bearer /, '') ?? '';
}

/** Why the gateway does not forward a request, as the model API would say it, so that the agent program understands. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, type: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.type = type;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  // 403 and not 401: the agent program repeats a 401 for minutes.
  static forbidden(message: string): Refusal {
    return new Refusal(403, 'permission_error', message);
  }
}

export function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, type, message, retryAfterSeconds } = refusal;
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  response.end(JSON.stringify({ type: 'error', error: { type, message: `Greenroom: ${message}` } }));
}
