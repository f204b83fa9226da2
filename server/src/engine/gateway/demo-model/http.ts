import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { errorMessage } from '../../../ground/errors.ts';
import { ApiError } from './api-error.ts';
import { refusalOf } from './check-request.ts';
import { newId } from './message.ts';
import { type CountTokensRequest, countTokensRequest, messagesRequest } from './messages-request.ts';
import { limitsOf } from './model-limits.ts';
import { type Responder, respond } from './respond.ts';
import { estimateTokens } from './tokens.ts';

const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** Arrays and objects of a body: each takes up far more memory than text. */
const MAX_CONTAINERS = 500_000;
const ARRAY = '['.charCodeAt(0);
const OBJECT = '{'.charCodeAt(0);

/** One request to the demo model, from its first byte to its last. Never rejects. */
export async function handleRequest(
  request: IncomingMessage,
  response: ServerResponse,
  responder: Responder,
): Promise<void> {
  const requestId = newId('req');
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.setHeader('request-id', requestId);
  try {
    await route(request, response, { ...responder, signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) sendError(response, error, requestId);
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  context: Responder & { signal: AbortSignal },
): Promise<void> {
  const path = (request.url ?? '/').replace(/\?.*/, '');
  const endpoint = `${request.method} ${path}`;
  if (endpoint === 'POST /v1/messages') {
    const body = await read(request, messagesRequest);
    check(body, request, body.max_tokens);
    return respond(body, response, context);
  }
  if (endpoint === 'POST /v1/messages/count_tokens') {
    const body = await read(request, countTokensRequest);
    check(body, request, undefined);
    const { model: _, ...counted } = body;
    return sendJson(response, 200, { input_tokens: estimateTokens(JSON.stringify(counted).length) });
  }
  throw new ApiError(
    404,
    `The demo model has no ${endpoint}. It has POST /v1/messages and its count_tokens.`,
  );
}

async function read<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const parsed = schema.safeParse(parseJson(await readBody(request)), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ApiError(400, parsed.error.issues.slice(0, 20).map(describeIssue).join('; '));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // What is too large is read to its end: the client would not look for an answer before.
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (length > MAX_BODY_BYTES) throw new ApiError(413, 'Request exceeds the maximum size');
  const body = Buffer.concat(chunks);
  if (countContainers(body) > MAX_CONTAINERS) {
    throw new ApiError(400, `The demo model takes no body of more than ${MAX_CONTAINERS} arrays and objects`);
  }
  return body.toString();
}

/** At most so many: brackets in texts count as well. */
function countContainers(body: Buffer): number {
  let count = 0;
  for (const byte of body) if (byte === ARRAY || byte === OBJECT) count++;
  return count;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, `The request body is not valid JSON: ${errorMessage(error)}`);
  }
}

function describeIssue({ path, input, message }: z.core.$ZodIssue): string {
  return `${path.join('.') || 'body'}: ${input === undefined ? 'Field required' : message}`;
}

/** Throws what the API would refuse the request with. */
function check(body: CountTokensRequest, { headers }: IncomingMessage, maxTokens: number | undefined): void {
  const limits = limitsOf(body.model);
  if (limits === undefined) throw new ApiError(404, `model: ${body.model}`);
  const betas = String(headers['anthropic-beta'] ?? '').split(',');
  const refusal = refusalOf(body, { limits, maxTokens, betas: betas.map((beta) => beta.trim()) });
  if (refusal !== undefined) throw new ApiError(400, refusal);
}

function sendError(response: ServerResponse, error: unknown, requestId: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const failure =
    error instanceof ApiError ? error : new ApiError(500, `The demo model failed: ${errorMessage(error)}`);
  if (failure.retryAfterSeconds !== undefined) response.setHeader('retry-after', failure.retryAfterSeconds);
  sendJson(response, failure.status, failure.toBody(requestId));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
