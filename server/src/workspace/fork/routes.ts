import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Context } from '../../context.ts';
import { answerOnce, idempotencyHeaders, idempotentRequest } from '../../ground/http/idempotency-header.ts';
import { problems } from '../../ground/http/problem.ts';
import { getSessionDetail, sessionKey } from '../../session/service.ts';
import { sessionParams } from '../../session/session.ts';
import { MAX_PROMPT_BODY_BYTES } from '../../session/turn/prompt.ts';
import { toSessionView } from '../../session/view.ts';
import { forkRequest, forkView, readForkRequest } from './fork.ts';
import { forkSession } from './service.ts';

export async function forkRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/sessions/:session_id/fork',
    {
      bodyLimit: MAX_PROMPT_BODY_BYTES,
      schema: {
        tags: ['sessions'],
        summary: 'Make a session that begins with the history of this one',
        description:
          'Up to one of its events, or all of it; this one stays as it is, and may run. A workspace of its own is copied, as its files are now.',
        params: sessionParams,
        headers: idempotencyHeaders,
        body: forkRequest,
        response: { 201: forkView, ...problems(400, 404, 409, 413, 415, 422, 429, 503, 507) },
      },
    },
    async (request, reply) => {
      const { sessions, workspaces } = context.forTenant(request);
      const key = sessionKey(request);
      const fork = {
        ...readForkRequest(request.body),
        asker: request.identity,
        once: idempotentRequest(request),
      };
      const { id, omitted } = answerOnce(reply, await forkSession({ ...sessions, workspaces }, key, fork));
      const view = toSessionView(await getSessionDetail(sessions, { ...key, id }));
      return reply.code(201).send({ ...view, omitted_files: omitted });
    },
  );
}
