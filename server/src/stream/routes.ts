import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { invalidRequest, problems } from '../ground/http/problem.ts';
import { readerOf } from '../ground/identity.ts';
import { eventView } from '../session/event/event.ts';
import { sessionKey } from '../session/service.ts';
import { toArchived } from '../session/summary/filter.ts';
import { meetReader } from '../session/summary/service.ts';
import { STREAM_HEADERS } from './connection.ts';
import { type Cursor, parseCursor, parseCursors } from './cursor.ts';
import {
  type EventsQuery,
  eventPage,
  eventsQuery,
  type ManyEventsQuery,
  manyEventsQuery,
  misplacedFields,
} from './queries.ts';
import { type EventPage, getEventOrThrow, getLogRangeOrThrow, readEventPage } from './service.ts';

const STREAM_TYPE = 'text/event-stream';
const DEFAULT_PAGE = 100;
const stream = { schema: z.string().describe('Server-sent events; see docs/streaming.md.') };

export async function eventRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  // Before the server waits for its connections to end.
  app.addHook('preClose', async () => await context.streams[Symbol.asyncDispose]());

  app.get(
    '/sessions/:session_id/events',
    {
      config: { acceptsTicket: true },
      schema: {
        tags: ['sessions'],
        summary: 'Events of a session: a page of them, or the live stream',
        description:
          'With `Accept: text/event-stream`: what is stored after `Last-Event-ID` (or `after`), then what comes, ' +
          'each event once and in order. `id` is the `seq`, `event` the kind, `data` an `Event`.',
        params: z.object({ session_id: z.string() }),
        querystring: eventsQuery,
        response: {
          200: {
            description: 'Events',
            content: { 'application/json': { schema: eventPage }, [STREAM_TYPE]: stream },
          },
          ...problems(404, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const { db } = context.forTenant(request);
      const key = sessionKey(request);
      const { query } = request;
      const isStream = wantsStream(request);
      const misplaced = misplacedFields(query, isStream);
      if (misplaced.length > 0) throw invalidRequest(misplaced);
      reply.header('vary', 'accept');
      if (!isStream) {
        const { after = 0, before = null, limit = DEFAULT_PAGE, order = 'asc', kinds = null } = query;
        const { range, page } = await readEventPage(db, { key, after, before, limit, order, kinds });
        if (!page.isLast) reply.header('link', nextLink(key.id, query, page));
        return sendText(reply, renderPage(key.id, range.lastSeq, page));
      }
      const range = await getLogRangeOrThrow(db, key);
      if (request.method === 'HEAD') return reply.headers(STREAM_HEADERS).send('');
      const resumed = lastEventId(request);
      const cursor = resumed === null ? (query.after ?? null) : parseCursor(resumed);
      const selection = { kinds: query.kinds ?? null, deltas: query.deltas };
      reply.hijack();
      const headers = reply.getHeaders();
      context.streams.followSession(reply.raw, { key, range, cursor, selection, headers });
    },
  );

  app.get(
    '/sessions/:session_id/events/:seq',
    {
      schema: {
        tags: ['sessions'],
        summary: 'One event of a session, whole',
        params: z.object({ session_id: z.string(), seq: z.string() }),
        response: { 200: eventView, ...problems(404, 503) },
      },
    },
    async (request, reply) => {
      const { seq } = request.params;
      const event = await getEventOrThrow(context.forTenant(request).db, sessionKey(request), seq);
      return sendText(reply, event.json) as never;
    },
  );

  app.get(
    '/events',
    {
      config: { acceptsTicket: true },
      schema: {
        tags: ['sessions'],
        summary: 'One live stream over many sessions: how all stand, and the events of those named',
        description:
          'First a `summary` of each session that matches, newest first, then `ready`; later a `summary` whenever one ' +
          'changes. The events of `sessions` come as in their own streams, with `session_id` in their data.',
        querystring: manyEventsQuery,
        response: {
          200: { description: 'The stream', content: { [STREAM_TYPE]: stream } },
          ...problems(422, 503),
        },
      },
    },
    async (request, reply) => {
      const { statuses = null, archived, limit, kinds = null, deltas } = request.query;
      const reader = readerOf(request.identity);
      const sessions = startingPoints(request.query, lastEventId(request));
      if (request.method === 'HEAD') return reply.headers(STREAM_HEADERS).send('');
      await meetReader(context.forTenant(request).db, reader);
      reply.hijack();
      context.streams.followMany(reply.raw, {
        reader,
        sessions,
        statuses,
        isArchived: toArchived(archived),
        limit,
        selection: { kinds, deltas },
        headers: reply.getHeaders(),
      });
    },
  );
}

function wantsStream({ headers }: FastifyRequest): boolean {
  return /\btext\/event-stream\b/i.test(headers.accept ?? '');
}

function lastEventId({ headers }: FastifyRequest): string | null {
  const id = headers['last-event-id'];
  return typeof id === 'string' && id !== '' ? id : null;
}

function startingPoints(query: ManyEventsQuery, resumed: string | null): Map<string, Cursor> {
  const text = resumed ?? query.after;
  const cursors = text === undefined ? new Map<string, number>() : parseCursors(text);
  if (cursors === 'unreadable' && resumed === null) {
    throw invalidRequest([{ field: 'after', message: 'must be `session:seq`, joined by commas' }]);
  }
  return new Map(
    query.sessions.map((id) => [id, cursors === 'unreadable' ? cursors : (cursors.get(id) ?? null)]),
  );
}

function nextLink(sessionId: string, query: EventsQuery, page: EventPage): string {
  const last = String(page.items.at(-1)?.seq);
  const { after, before, limit, order, kinds } = query;
  const next = {
    after: order === 'desc' ? after : last,
    before: order === 'desc' ? last : before,
    limit,
    order,
    kinds: kinds?.join(),
  };
  const given = Object.entries(next).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return `</sessions/${sessionId}/events?${new URLSearchParams(given)}>; rel="next"`;
}

/** An `eventPage`, put together as text: the log is passed on as it was written. */
function renderPage(sessionId: string, lastSeq: number, { items, isLast }: EventPage): string {
  const events = items.map((item) => item.json).join();
  return `{"session_id":"${sessionId}","last_seq":${lastSeq},"has_more":${!isLast},"events":[${events}]}`;
}

function sendText(reply: FastifyReply, json: string): FastifyReply {
  return reply.type('application/json').send(json);
}
