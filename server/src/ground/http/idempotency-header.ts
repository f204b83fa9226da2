import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hashRequest, type IdempotentRequest, type Once } from '../idempotency/service.ts';
import { invalidRequest } from './problem.ts';

const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** The `headers` of a creating route, for its description. Other headers are none of its business. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      'Makes a repeat harmless: the same key and body give the first answer again. Kept for 24 hours.',
    ),
});

/** What identifies the request among its repeats; null when its client gave no key. */
export function idempotentRequest(request: FastifyRequest): IdempotentRequest | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  const key = idempotencyKey.safeParse(header);
  if (!key.success) {
    const message = 'must be 1 to 255 visible ASCII characters';
    throw invalidRequest([{ field: 'Idempotency-Key', message }]);
  }
  const route = `${request.method} ${request.routeOptions.url} ${JSON.stringify(request.params)}`;
  return { tenantId: request.identity.tenantId, route, key: key.data, hash: hashRequest(request.body) };
}

/** Tells the client when the answer is that of an earlier request. */
export function answerOnce<T>(reply: FastifyReply, { value, isReplay }: Once<T>): T {
  if (isReplay) reply.header('idempotent-replayed', 'true');
  return value;
}
