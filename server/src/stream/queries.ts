import { z } from 'zod';
import type { FieldError } from '../ground/errors.ts';
import { asList } from '../ground/http/query-list.ts';
import { isUuid } from '../ground/ids.ts';
import { eventKinds, eventView } from '../session/event/event.ts';
import { sessionStatus } from '../session/session.ts';
import { archivedFilter } from '../session/summary/filter.ts';

export const MAX_PAGE = 1_000;
const MAX_SESSIONS = 20;

// To a number a blank is 0, and `1e3` a thousand.
const asNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
const wholeNumber = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    asNumber,
    z
      .int(`must be a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`)
      .min(least)
      .max(most),
  );

const kinds = z
  .preprocess(asList, z.array(z.enum(eventKinds)).min(1).optional())
  .describe('Only events of these kinds, separated by commas. Their numbers stay as they are.');

const flag = z.preprocess(
  (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
  z.boolean('must be true or false').default(false),
);
const deltas = flag.describe('Stream only: pieces of messages while they are being written.');

const ticket = z.string().max(100).optional().describe('Instead of a key: see `POST /stream-tickets`.');

export const eventsQuery = z.strictObject({
  after: wholeNumber(0)
    .optional()
    .describe('Only events with a larger `seq`. `Last-Event-ID` goes before it.'),
  before: wholeNumber(1).optional().describe('Pages only: events with a smaller `seq`.'),
  limit: wholeNumber(1, MAX_PAGE).optional().describe('Pages only: events at most; 100 unless given.'),
  order: z.enum(['asc', 'desc']).optional().describe('Pages only: oldest first (`asc`), or newest.'),
  kinds,
  deltas,
  ticket,
});
export type EventsQuery = z.infer<typeof eventsQuery>;

/** What a page has and a stream has not, and the other way round. */
export function misplacedFields(query: EventsQuery, isStream: boolean): FieldError[] {
  const pageOnly = (['before', 'limit', 'order'] as const).filter((field) => query[field] !== undefined);
  const fields = isStream ? pageOnly : query.deltas ? ['deltas'] : [];
  const message = isStream
    ? 'is for JSON pages, not for a stream'
    : 'is for a stream: send `Accept: text/event-stream`';
  return fields.map((field) => ({ field, message }));
}

export const eventPage = z
  .object({
    session_id: z.string(),
    last_seq: z.number().int().describe('Of the newest event that the session has.'),
    has_more: z
      .boolean()
      .describe('There are more in this direction: `Link: rel="next"` leads there. A page may end early.'),
    events: z.array(eventView),
  })
  .meta({ id: 'EventPage' });

export const manyEventsQuery = z.strictObject({
  sessions: z
    .preprocess(
      asList,
      z
        .array(z.string().refine(isUuid, 'must be session ids').toLowerCase())
        .max(MAX_SESSIONS, `at most ${MAX_SESSIONS} sessions`)
        .default([]),
    )
    .describe(`Sessions whose events are sent in full, separated by commas; ${MAX_SESSIONS} at most.`),
  statuses: z
    .preprocess(asList, z.array(sessionStatus).min(1).optional())
    .describe('Summaries only of sessions with these statuses.'),
  archived: archivedFilter
    .default('any')
    .describe('Summaries of archived sessions, of the others, or of both.'),
  limit: wholeNumber(0, MAX_PAGE).default(100).describe('Sessions in the snapshot at most, the newest.'),
  after: z
    .string()
    .optional()
    .describe(
      '`session:seq` joined by commas, as in the ids of this stream. `Last-Event-ID` goes before it.',
    ),
  kinds,
  deltas,
  ticket,
});
export type ManyEventsQuery = z.infer<typeof manyEventsQuery>;
