import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { readerOf } from '../../ground/identity.ts';
import { sessionKey } from '../service.ts';
import { sessionParams } from '../session.ts';
import { countsQuery, summariesQuery, toFilter } from './filter.ts';
import { allRead, marksRequest, marksView, sessionCounts } from './marks.ts';
import { markSession, readAll, readCounts, readSummaries } from './service.ts';
import { sessionSummary } from './summary.ts';

const tags = ['sessions'];

/** How sessions stand to whoever asks, and what they have seen of them. */
export async function summaryRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/sessions/summaries',
    {
      schema: {
        tags,
        summary: 'How sessions stand, in short; newest first',
        description:
          'For `q`, `label`, `model`, and the states `unread` and `idle`, a page looks at 10,000 sessions at most: it may ' +
          'be short, or empty, and `next` leads on.',
        querystring: summariesQuery,
        response: {
          200: z.object({ summaries: z.array(sessionSummary), next: z.string().nullable() }),
          ...problems(422, 503),
        },
      },
    },
    async ({ identity, query }) =>
      await readSummaries(context.forTenant({ identity }).db, readerOf(identity), {
        filter: toFilter(query),
        states: query.state ?? null,
        before: query.cursor ?? null,
        limit: query.limit,
      }),
  );

  app.get(
    '/sessions/counts',
    {
      schema: {
        tags,
        summary: 'How many sessions there are in each state',
        description:
          'At most 10,000 sessions are looked at for each number; `is_capped` says that there may be more.',
        querystring: countsQuery,
        response: { 200: sessionCounts, ...problems(422, 503) },
      },
    },
    async ({ identity, query }) =>
      await readCounts(context.forTenant({ identity }).db, readerOf(identity), toFilter(query)),
  );

  app.patch(
    '/sessions/:session_id/marks',
    {
      config: { scope: 'sessions:read' },
      schema: {
        tags,
        summary: 'Note how far a session has been read, or pin it',
        description: 'Kept for each API key by itself: nobody else sees it.',
        params: sessionParams,
        body: marksRequest,
        response: { 200: marksView, ...problems(400, 404, 413, 415, 422, 503) },
      },
    },
    async (request) => {
      const { sessions } = context.forTenant(request);
      const key = sessionKey(request);
      const marks = await markSession(sessions, { key, reader: readerOf(request.identity) }, request.body);
      const { read_seq, is_pinned: pinned, changed_at } = marks;
      return { session_id: key.id, read_seq, pinned, marked_at: changed_at.toISOString() };
    },
  );

  app.post(
    '/sessions/read-all',
    {
      config: { scope: 'sessions:read' },
      schema: {
        tags,
        summary: 'Note that everything that has ended was read',
        response: {
          200: allRead,
          ...problems(400, 413, 415, 422, 503),
        },
      },
    },
    async ({ identity }) => {
      const { sessions } = context.forTenant({ identity });
      const { marked, at } = await readAll(sessions, readerOf(identity));
      return { marked, marked_at: at.toISOString() };
    },
  );
}
