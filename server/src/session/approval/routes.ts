import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { answerRequest, approvalKind, approvalStatus, approvalView, toAnswer } from './approval.ts';
import { answerApproval, approvalKey, getApproval, listApprovalPage } from './service.ts';

const params = z.object({ approval_id: z.string() });
const tags = ['approvals'];

const listQuery = z.strictObject({
  status: approvalStatus.optional(),
  kind: approvalKind.optional(),
  session_id: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.uuid().optional().describe('`next` of the page before.'),
});

/** What agents wait on, and the answers. */
export async function approvalRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/approvals',
    {
      schema: {
        tags,
        summary: 'What agents wait on, newest first',
        description: 'A page of large calls ends early: `next` says whether there are more.',
        querystring: listQuery,
        response: {
          200: z.object({ approvals: z.array(approvalView), next: z.string().nullable() }),
          ...problems(422, 503),
        },
      },
    },
    async ({ identity, query }) =>
      await listApprovalPage(context.forTenant({ identity }).db, {
        tenantId: identity.tenantId,
        limit: query.limit,
        before: query.cursor ?? null,
        status: query.status ?? null,
        kind: query.kind ?? null,
        sessionId: query.session_id ?? null,
      }),
  );

  app.get(
    '/approvals/:approval_id',
    {
      schema: {
        tags,
        summary: 'One approval',
        params,
        response: { 200: approvalView, ...problems(404, 503) },
      },
    },
    async (request) => await getApproval(context.forTenant(request).db, approvalKey(request)),
  );

  app.post(
    '/approvals/:approval_id',
    {
      config: { scope: 'approvals' },
      schema: {
        tags,
        summary: 'Answer what an agent waits on',
        description:
          'The first answer wins. It is kept when the server or the agent is not there at the moment.',
        params,
        body: answerRequest,
        response: { 200: approvalView, ...problems(400, 403, 404, 409, 413, 415, 422, 503) },
      },
    },
    async (request) =>
      await answerApproval(context.forTenant(request).sessions, approvalKey(request), {
        answer: toAnswer(request.body),
        asker: request.identity,
      }),
  );
}
