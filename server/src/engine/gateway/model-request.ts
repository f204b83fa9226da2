import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { Refusal } from './headers.ts';
import { JsonProblem } from './json-scanner.ts';
import { MAX_TOKENS, OutlineReader, type RequestOutline } from './request-outline.ts';

export const MAX_BODY_BYTES = 40 * 1024 * 1024;
/** Of a request that does not limit its answer: more than any model writes. */
const UNLIMITED_OUTPUT = 128_000;
/** How long a body keeps the server from its other work before it lets that go on. */
const MAX_WORK_MS = 4;

/** Printable ASCII: it goes into the database and the log. */
export const modelName = z.string().regex(/^[\x20-\x7e]{1,200}$/);
const maxTokens = z.number().int().min(0).max(MAX_TOKENS);

/** The body goes on as it came. */
export type ModelRequest = { model: string; maxTokens: number; isStream: boolean; bytes: Buffer };
export type OutlinedRequest = ModelRequest & { outline: RequestOutline };

/** How long the body will be. Throws a `Refusal` when it does not say so, is too large, or is packed. */
export function announcedLength({ headers }: IncomingMessage): number {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = headers;
  if (encoding !== 'identity') throw invalid(415, 'the body must not be compressed');
  if (length === undefined) throw invalid(411, 'the request must announce the length of its body');
  if (Number(length) > MAX_BODY_BYTES) {
    throw new Refusal(413, 'request_too_large', 'the request is larger than 40 MB');
  }
  return Number(length);
}

/** Throws a `Refusal` when the body does not come in time, or is not what the model API takes. */
export async function readModelRequest(
  request: IncomingMessage,
  { length, patienceMs }: { length: number; patienceMs: number },
): Promise<OutlinedRequest> {
  const bytes = Buffer.allocUnsafe(length);
  const reader = new OutlineReader(bytes);
  try {
    await arrive(request, { bytes, patienceMs, onProgress: (arrived) => reader.advance(arrived) });
    const outline = reader.end();
    // Of the bytes themselves nothing but structure was looked at; what does not read as text is nobody's JSON.
    if (!isUtf8(bytes)) throw new JsonProblem('the body is not UTF-8');
    return { ...requireNames(outline), bytes, outline };
  } catch (error) {
    throw error instanceof JsonProblem ? invalid(400, error.message) : error;
  }
}

function requireNames({ model, maxTokens: asked, isStream, otherModels, fields }: RequestOutline) {
  for (const name of [model, ...otherModels]) {
    if (!modelName.safeParse(name).success) throw new JsonProblem('the body must be JSON that names a model');
  }
  if (fields.has('max_tokens') && !maxTokens.safeParse(asked).success) {
    throw new JsonProblem('max_tokens must be a whole number, at most 10,000,000');
  }
  return { model: model as string, maxTokens: asked ?? UNLIMITED_OUTPUT, isStream };
}

type Arrival = { bytes: Buffer; patienceMs: number; onProgress: (arrived: number) => void };

async function arrive(request: IncomingMessage, { bytes, patienceMs, onProgress }: Arrival): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(invalid(408, 'the body took too long')), patienceMs);
  let arrived = 0;
  let worked = 0;
  const take = (chunk: Buffer): void => {
    const began = performance.now();
    bytes.set(chunk, arrived);
    arrived += chunk.length;
    try {
      onProgress(arrived);
    } catch (error) {
      reject(error);
      return;
    }
    worked += performance.now() - began;
    if (worked < MAX_WORK_MS) return;
    worked = 0;
    request.pause();
    setImmediate(() => request.resume());
  };
  request.on('data', take);
  request.on('end', resolve);
  request.on('close', () => reject(new Error('the request ended before its body')));
  try {
    await promise;
  } finally {
    clearTimeout(late);
    // What still comes of a body that is refused is thrown away, so that the answer can be read.
    request.off('data', take);
    request.resume();
  }
}

function invalid(status: number, message: string): Refusal {
  return new Refusal(status, 'invalid_request_error', message);
}
