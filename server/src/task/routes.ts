import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { problems } from '../http/problem.ts';
import { sessionKey } from '../session/service.ts';
import { sessionParams } from '../session/session.ts';
import { listTasks, stopTask } from './service.ts';
import { taskView } from './task.ts';

const params = sessionParams;

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
        description: 'The newest 200, of those that the newest 10,000 messages of the agent tell of.',
        params,
        response: { 200: z.object({ tasks: z.array(taskView) }), ...problems(404, 503) },
      },
    },
    async (request) => ({ tasks: await listTasks(context.forTenant(request).sessions, sessionKey(request)) }),
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
