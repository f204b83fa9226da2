import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { problems } from '../ground/http/problem.ts';
import { grantView, removeGrant } from './approval/grants.ts';
import { interruptSession } from './messages.ts';
import { blankOptions, toSessionOptions } from './options/fields.ts';
import { applyPolicy } from './options/policy.ts';
import { getSessionDetail, sessionKey } from './service.ts';
import { sessionParams } from './session.ts';
import { changeSettings, settingsRequest } from './settings.ts';
import { requireBudgetsHold } from './usage/budget.ts';
import { interruptionView, sessionView, toSessionView } from './view.ts';

const params = sessionParams;

const interruptRequest = z.strictObject({
  queued: z
    .enum(['keep', 'discard'])
    .optional()
    .describe('What becomes of messages that wait: `keep` unless given.'),
});

export async function sessionRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/sessions/:session_id',
    {
      schema: {
        tags: ['sessions'],
        summary: 'One session with its turns, usage and place in the queue',
        params,
        response: { 200: sessionView, ...problems(404, 503) },
      },
    },
    async (request) =>
      toSessionView(await getSessionDetail(context.forTenant(request).sessions, sessionKey(request))),
  );

  app.patch(
    '/sessions/:session_id',
    {
      schema: {
        tags: ['sessions'],
        summary: 'Change the settings of a session',
        description:
          'Model and permission mode reach an agent that is at work; the other options hold from the next turn on.',
        params,
        body: settingsRequest,
        response: { 200: sessionView, ...problems(400, 404, 409, 413, 415, 422, 503) },
      },
    },
    async (request) => {
      const { body } = request;
      if (typeof body.max_budget_usd === 'number') requireBudgetsHold(context);
      const change = {
        labels: body,
        options: await applyPolicy(toSessionOptions(body), context, request.identity),
        removed: blankOptions(body),
        asker: request.identity,
      };
      return toSessionView(
        await changeSettings(context.forTenant(request).sessions, sessionKey(request), change),
      );
    },
  );

  app.delete(
    '/sessions/:session_id/grants/:grant_id',
    {
      config: { scope: 'approvals' },
      schema: {
        tags: ['approvals'],
        summary: 'Take back what an approval allowed for the rest of the session',
        description: 'From the next call on the agent asks again, also one that is at work.',
        params: params.extend({ grant_id: z.string() }),
        response: { 200: grantView, ...problems(404, 503) },
      },
    },
    async (request) => {
      const { sessions } = context.forTenant(request);
      return await removeGrant(sessions, sessionKey(request), request.params.grant_id);
    },
  );

  app.post(
    '/sessions/:session_id/interrupt',
    {
      schema: {
        tags: ['sessions'],
        summary: 'Stop the running turn and keep the session',
        description: 'What waits runs next, unless it is discarded as well.',
        params,
        querystring: interruptRequest,
        body: interruptRequest.nullish(),
        response: { 200: interruptionView, ...problems(400, 404, 422, 503) },
      },
    },
    async (request) => {
      const { query, body } = request;
      const { sessions } = context.forTenant(request);
      const key = sessionKey(request);
      const queued = body?.queued ?? query.queued ?? 'keep';
      const stopped = await interruptSession(sessions, key, { discardQueued: queued === 'discard' });
      return { session_id: key.id, ...stopped };
    },
  );
}
