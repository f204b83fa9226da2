import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { type Download, sendDownload } from '../../ground/http/download.ts';
import { answerOnce, idempotencyHeaders, idempotentRequest } from '../../ground/http/idempotency-header.ts';
import { problems } from '../../ground/http/problem.ts';
import { editMessage } from '../message-edit.ts';
import { listMessages, messageKey, removeMessage, sendMessage } from '../messages.ts';
import { sessionKey } from '../service.ts';
import { sessionParams } from '../session.ts';
import { editRequest, messageRequest, readEdit } from './message.ts';
import { MAX_PROMPT_BODY_BYTES, readPrompt } from './prompt.ts';
import { getImageOrThrow, getTurnOrThrow, listTurnPage } from './service.ts';
import type { StoredImage } from './shown-turn.ts';
import { toWholeTurnView, turnView, wholeTurnView } from './view.ts';

const params = sessionParams;
const turnParams = params.extend({ turn_id: z.string() });

// What the database counts turns in.
const MAX_TURN = 2 ** 31 - 1;

const turnsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.coerce.number().int().min(0).max(MAX_TURN).optional().describe('`next` of the page before.'),
  order: z.enum(['asc', 'desc']).default('asc'),
});

const messagesQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.uuid().optional().describe('`next` of the page before.'),
});

/** Turns of a session, and the messages that become turns. */
export async function turnRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/sessions/:session_id/turns',
    {
      schema: {
        tags: ['turns'],
        summary: 'Turns of a session: what was asked, what came of it, what it cost',
        description: 'A page of large turns ends early: `next` says whether there are more.',
        params,
        querystring: turnsQuery,
        response: {
          200: z.object({ turns: z.array(turnView), next: z.number().int().nullable() }),
          ...problems(404, 422, 503),
        },
      },
    },
    async (request) =>
      await listTurnPage(context.forTenant(request).db, sessionKey(request), {
        ...request.query,
        after: request.query.after ?? null,
      }),
  );

  app.get(
    '/sessions/:session_id/turns/:turn_id',
    {
      schema: {
        tags: ['turns'],
        summary: 'One turn, with the images of its prompt',
        params: turnParams,
        response: { 200: wholeTurnView, ...problems(404, 503) },
      },
    },
    async (request) => {
      const { db } = context.forTenant(request);
      return toWholeTurnView(await getTurnOrThrow(db, sessionKey(request), request.params.turn_id));
    },
  );

  app.get(
    '/sessions/:session_id/turns/:turn_id/images/:number',
    {
      schema: {
        tags: ['turns'],
        summary: 'An image of the prompt of a turn, as it was sent',
        description: 'The first is 1. Answers 206 to one range, and 304 to a client that has it.',
        params: turnParams.extend({ number: z.string() }),
        response: {
          200: { description: 'An image', content: { 'application/octet-stream': { schema: z.any() } } },
          ...problems(404, 416, 503),
        },
      },
    },
    async (request, reply) => {
      const { turn_id: turnId, number } = request.params;
      const { db } = context.forTenant(request);
      const image = await getImageOrThrow(db, sessionKey(request), { turnId, number });
      return (await sendDownload(toDownload(image, number), { request, reply })) as never;
    },
  );

  app.post(
    '/sessions/:session_id/messages',
    {
      bodyLimit: MAX_PROMPT_BODY_BYTES,
      schema: {
        tags: ['turns'],
        summary: 'Give the session a message: its next turn, a hint for the running one, or instead of it',
        params,
        headers: idempotencyHeaders,
        body: messageRequest,
        response: { 202: turnView, ...problems(400, 404, 409, 413, 415, 422, 429, 503) },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const message = {
        ...readPrompt(body),
        delivery: body.delivery,
        asker: request.identity,
        once: idempotentRequest(request),
      };
      const sent = await sendMessage(context.forTenant(request).sessions, sessionKey(request), message);
      return reply.code(202).send(answerOnce(reply, sent));
    },
  );

  app.get(
    '/sessions/:session_id/messages',
    {
      schema: {
        tags: ['turns'],
        summary: 'Messages that wait, in the order in which they will run',
        description: 'A page of large messages ends early: `next` says whether there are more.',
        params,
        querystring: messagesQuery,
        response: {
          200: z.object({ messages: z.array(turnView), next: z.string().nullable() }),
          ...problems(404, 422, 503),
        },
      },
    },
    async (request) =>
      await listMessages(context.forTenant(request).sessions, sessionKey(request), {
        ...request.query,
        after: request.query.after ?? null,
      }),
  );

  app.patch(
    '/sessions/:session_id/messages/:turn_id',
    {
      bodyLimit: MAX_PROMPT_BODY_BYTES,
      schema: {
        tags: ['turns'],
        summary: 'Change what a waiting message says, how it is delivered, or where it stands',
        description: 'Other readers of the event stream see it as a `turn` event: `edited`, `moved`.',
        params: turnParams,
        body: editRequest,
        response: { 200: turnView, ...problems(400, 404, 409, 413, 415, 422, 503) },
      },
    },
    async (request) =>
      await editMessage(context.forTenant(request).sessions, messageKey(request), {
        prompt: readEdit(request.body),
        delivery: request.body.delivery ?? null,
        before: request.body.before,
        asker: request.identity,
      }),
  );

  app.delete(
    '/sessions/:session_id/messages/:turn_id',
    {
      schema: {
        tags: ['turns'],
        summary: 'Take a waiting message back',
        params: turnParams,
        response: { 200: turnView, ...problems(404, 409, 503) },
      },
    },
    async (request) => await removeMessage(context.forTenant(request).sessions, messageKey(request)),
  );
}

function toDownload({ media_type, data, queued_at }: StoredImage, number: string): Download {
  const bytes = Buffer.from(data, 'base64');
  return {
    name: `image-${number}.${media_type.replace('image/', '')}`,
    size: bytes.length,
    etag: `"${hash('sha256', bytes, 'base64url')}"`,
    modifiedAt: queued_at,
    read: ({ start, length }) => Readable.from([bytes.subarray(start, start + length)]),
    close: async () => {},
  };
}
