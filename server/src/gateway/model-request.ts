import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { Refusal } from './headers.ts';

export const MAX_BODY_BYTES = 40 * 1024 * 1024;

/** Printable ASCII: it goes into the database and the log. */
export const modelName = z.string().regex(/^[\x20-\x7e]{1,200}$/);

/** What the gateway must know of a request. The body itself goes on as it came. */
const body = z.looseObject({
  model: modelName,
  max_tokens: z.number().int().min(0).max(10_000_000).default(0),
  stream: z.unknown().optional(),
});

export type ModelRequest = { model: string; maxTokens: number; isStream: boolean; bytes: Buffer };

/** Throws a `Refusal` when it is too large, or is not what the model API takes. */
export async function readModelRequest(request: IncomingMessage): Promise<ModelRequest> {
  const bytes = await readBody(request);
  const parsed = body.safeParse(parseJson(bytes));
  if (!parsed.success) {
    throw new Refusal(400, 'invalid_request_error', 'the body must be JSON that names a model');
  }
  const { model, max_tokens: maxTokens, stream } = parsed.data;
  return { model, maxTokens, isStream: stream === true, bytes };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): Refusal {
  return new Refusal(413, 'request_too_large', 'the request is larger than 40 MB');
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
