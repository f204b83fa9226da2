import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { z } from 'zod';
import { errorMessage } from '../../errors.ts';
import { ApiError } from './api-error.ts';
import { newId } from './message.ts';
import { countTokensRequest, messagesRequest } from './messages-request.ts';
import { type Responder, respond } from './respond.ts';
import { estimateTokens } from './tokens.ts';

const knownModel = /^claude-.*(?:opus|sonnet|haiku|fable)|demo/i;

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
    assertKnown(body.model);
    return respond(body, response, context);
  }
  if (endpoint === 'POST /v1/messages/count_tokens') {
    const { model, ...counted } = await read(request, countTokensRequest);
    assertKnown(model);
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
  const body = await json(request).catch((error) => {
    throw new ApiError(400, `The body is not valid JSON: ${errorMessage(error)}`);
  });
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ApiError(400, parsed.error.issues.map(describeIssue).join('; '));
}

function describeIssue({ path, input, message }: z.core.$ZodIssue): string {
  return `${path.join('.') || 'body'}: ${input === undefined ? 'Field required' : message}`;
}

function assertKnown(model: string): void {
  if (!knownModel.test(model)) throw new ApiError(404, `model: ${model}`);
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
