import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { AppError } from '../../ground/errors.ts';
import { prefersHtml } from '../../ground/http/accept.ts';
import { answerOnce, idempotencyHeaders, idempotentRequest } from '../../ground/http/idempotency-header.ts';
import { problems } from '../../ground/http/problem.ts';
import type { Once } from '../../ground/idempotency/service.ts';
import { isUuid } from '../../ground/ids.ts';
import { validateAttempt } from '../../session/dry-run.ts';
import { toSessionOptions } from '../../session/options/fields.ts';
import { applyPolicy } from '../../session/options/policy.ts';
import { withPreset } from '../../session/preset/service.ts';
import { notResumable } from '../../session/requirements.ts';
import {
  cancelSession,
  cleanUpSessions,
  removeSession,
  resumeSession,
  type StartRequest,
  sessionKey,
  startSession,
} from '../../session/service.ts';
import { sessionParams } from '../../session/session.ts';
import { MAX_PROMPT_BODY_BYTES, readPrompt } from '../../session/turn/prompt.ts';
import { requireBudgetsHold } from '../../session/usage/budget.ts';
import { type Forked, type ForkServices, forkSession } from '../../workspace/fork/service.ts';
import {
  cleanupQuery,
  cleanupResponse,
  type ExecuteRequest,
  executeRequest,
  executeResponse,
  listQuery,
  sessionChange,
  sessionListItem,
  statusQuery,
  statusResponse,
  validation,
} from './classic.ts';
import { readPage } from './service.ts';
import { nextAfter, readStatus, type Status, streamStatus } from './status.ts';
import { welcome } from './welcome.ts';

const params = sessionParams;
const tags = ['sessions'];
const HOUR_MS = 3_600_000;

/** The API of the Python project that this one replaces, unchanged for its clients. */
export async function classicRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get('/', { config: { scope: null }, schema: { hide: true } }, async ({ headers }, reply) => {
    reply.header('vary', 'Accept');
    return prefersHtml(headers.accept) ? reply.redirect('console/', 302) : welcome;
  });

  app.post(
    '/execute',
    {
      bodyLimit: MAX_PROMPT_BODY_BYTES,
      schema: {
        tags,
        summary: 'Start a session, or resume one',
        headers: idempotencyHeaders,
        body: executeRequest,
        response: { 200: executeResponse, ...problems(400, 409, 413, 415, 422, 429, 503, 507) },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const { sessions, workspaces } = context.forTenant(request);
      const start = await toStartRequest(request, context);
      const resumed = body.resume_session_id?.toLowerCase() || null;
      if (resumed === null) {
        const id = answerOnce(reply, await startSession(sessions, start));
        return { session_id: id, status: 'pending' as const, message: `Session ${id} started successfully` };
      }
      if (!isUuid(resumed)) throw notResumable(resumed);
      if (body.fork_session === true) {
        const { id } = answerOnce(reply, await forkResumed({ ...sessions, workspaces }, resumed, start));
        return { session_id: id, status: 'pending' as const, message: `Session ${id} started successfully` };
      }
      answerOnce(reply, await resumeSession(sessions, { ...start, sessionId: resumed }));
      return {
        session_id: resumed,
        status: 'pending' as const,
        message: `Session ${resumed} resumed successfully`,
      };
    },
  );

  app.post(
    '/execute/validate',
    {
      bodyLimit: MAX_PROMPT_BODY_BYTES,
      schema: {
        tags,
        summary: 'Check a request for `POST /execute/`, and do nothing',
        description: 'What would be refused there is refused here in the same words, but for a lack of room.',
        body: executeRequest,
        response: { 200: validation, ...problems(400, 409, 413, 415, 422, 503) },
      },
    },
    async (request) => {
      const { asker, options, cwd } = await toStartRequest(request, context);
      const { resume_session_id, fork_session } = request.body;
      await validateAttempt(context.forTenant(request).sessions, {
        asker,
        options,
        cwd,
        resumeId: resume_session_id?.toLowerCase() || null,
        isFork: fork_session === true,
      });
      return { valid: true as const };
    },
  );

  app.get(
    '/status/:session_id',
    {
      schema: {
        tags,
        summary: 'Status, messages and result',
        description:
          'The newest messages, up to 8 MB of them. `after` pages through all, oldest first; `Link` leads on.',
        params,
        querystring: statusQuery,
        response: { 200: statusResponse, ...problems(404, 422, 503) },
      },
    },
    async (request, reply) => {
      const { db } = context.forTenant(request);
      const { after = null, limit = null } = request.query;
      const status = await readStatus(db, sessionKey(request), { after, limit });
      const link = linkToMore(status);
      if (link !== null) reply.header('link', link);
      return sendJson(reply, streamStatus(db, status));
    },
  );

  app.post(
    '/cancel/:session_id',
    {
      schema: {
        tags,
        summary: 'Cancel a session that waits or runs',
        params,
        response: { 200: sessionChange, ...problems(400, 404, 503) },
      },
    },
    async (request) => {
      const key = sessionKey(request);
      await cancelSession(context.forTenant(request).sessions, key);
      return {
        session_id: key.id,
        status: 'cancelled' as const,
        message: `Session ${key.id} cancelled successfully`,
      };
    },
  );

  app.get(
    '/sessions',
    {
      schema: {
        tags,
        summary: 'List sessions, newest first',
        querystring: listQuery,
        response: { 200: z.array(sessionListItem), ...problems(422, 503) },
      },
    },
    async (request, reply) => {
      const { limit, cursor, status } = request.query;
      const page = await readPage(context.forTenant(request).db, {
        tenantId: request.identity.tenantId,
        limit,
        before: cursor ?? null,
        status: status ?? null,
      });
      if (page.next !== null) {
        const query = new URLSearchParams({
          limit: String(limit),
          cursor: page.next,
          ...(status ? { status } : {}),
        });
        reply.header('link', `</sessions/?${query}>; rel="next"`);
      }
      return page.sessions;
    },
  );

  app.delete(
    '/sessions/cleanup',
    {
      schema: {
        tags,
        summary: 'Delete sessions that ended long ago',
        querystring: cleanupQuery,
        response: { 200: cleanupResponse, ...problems(422, 503) },
      },
    },
    async (request) => {
      const olderThanMs = request.query.max_age_hours * HOUR_MS;
      const removed = await cleanUpSessions(context.forTenant(request).sessions, {
        tenantId: request.identity.tenantId,
        olderThanMs,
      });
      return { removed, message: `Cleaned up ${removed} old sessions` };
    },
  );

  app.delete(
    '/sessions/:session_id',
    {
      schema: {
        tags,
        summary: 'Delete a session that does not run, with what waits in it',
        params,
        response: { 200: sessionChange, ...problems(400, 404, 503) },
      },
    },
    async (request) => {
      const key = sessionKey(request);
      const status = await removeSession(context.forTenant(request).sessions, key);
      return { session_id: key.id, status, message: `Session ${key.id} deleted successfully` };
    },
  );
}

/** The whole of the session so far, with a turn after it. */
async function forkResumed(services: ForkServices, id: string, start: StartRequest): Promise<Once<Forked>> {
  const { prompt, content, ...changes } = start;
  const request = { ...changes, prompt: { prompt, content }, at: null };
  try {
    return await forkSession(services, { tenantId: start.asker.tenantId, id }, request);
  } catch (error) {
    throw error instanceof AppError && error.code === 'not_found' ? notResumable(id) : error;
  }
}

async function toStartRequest(
  request: FastifyRequest & { body: ExecuteRequest },
  context: Context,
): Promise<StartRequest> {
  const { body } = request;
  if (body.max_budget_usd !== undefined) requireBudgetsHold(context);
  const options = await applyPolicy(toSessionOptions(body), context, request.identity);
  return {
    asker: request.identity,
    ...readPrompt(body),
    options: await withPreset(context.forTenant(request).db, options, {
      tenantId: request.identity.tenantId,
      id: body.preset_id ?? null,
    }),
    cwd: body.cwd ?? null,
    title: body.title ?? null,
    metadata: body.metadata ?? null,
    maxBudgetUsd: body.max_budget_usd ?? null,
    once: idempotentRequest(request),
  };
}

function sendJson(reply: FastifyReply, json: Readable): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(json);
}

/** To the messages that did not fit into the answer. */
function linkToMore({ session, query, window }: Status): string | null {
  if (!window.isCut) return null;
  const after = query.after === null ? 0 : nextAfter(window, session);
  const limit = query.limit === null ? '' : `&limit=${query.limit}`;
  return `</status/${session.id}?after=${after}${limit}>; rel="${query.after === null ? 'first' : 'next'}"`;
}
