import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { sessionKey } from '../service.ts';
import { sessionParams } from '../session.ts';
import { listTasks, stopTask } from './service.ts';
import { taskView } from './task.ts';

const params = sessionParams;

const MAX_TASKS = 200;

const tasksQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_TASKS).default(MAX_TASKS),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'must be `next` of a page')
    .optional()
    .describe('`next` of a page: those before it.'),
});

/** What a session's agent does beside its turn, and its subagents. */
export async function taskRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/sessions/:session_id/tasks',
    {
      schema: {
        tags: ['turns'],
        summary: 'Background tasks and subagents of a session, oldest first',
        description: 'The newest of them; `next` leads to older ones.',
        params,
        querystring: tasksQuery,
        response: {
          200: z.object({ tasks: z.array(taskView), next: z.string().nullable() }),
          ...problems(404, 422, 503),
        },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      return await listTasks(context.forTenant(request).sessions, sessionKey(request), {
        limit,
        before: cursor === undefined ? null : Number(cursor),
      });
    },
  );

  app.post(
    '/sessions/:session_id/tasks/:task_id/stop',
    {
      schema: {
        tags: ['turns'],
        summary: 'Stop a background task or a subagent, and nothing else',
        description:
          'The task as it was; the agent tells of its end in the event stream (`task_notification`).',
        params: params.extend({ task_id: z.string() }),
        response: { 202: taskView, ...problems(404, 503) },
      },
    },
    async (request, reply) =>
      reply
        .code(202)
        .send(
          await stopTask(context.forTenant(request).sessions, sessionKey(request), request.params.task_id),
        ),
  );
}
