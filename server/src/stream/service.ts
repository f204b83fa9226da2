import type { Kysely } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { AppError } from '../ground/errors.ts';
import type { LogRange } from '../session/event/event.ts';
import { type EventPage, type EventQuery, findEventPage, findLogRange } from '../session/event/store.ts';
import type { SessionKey } from '../session/store.ts';

export type { EventPage, EventQuery };

export async function getLogRangeOrThrow(db: Kysely<Database>, key: SessionKey): Promise<LogRange> {
  const range = await findLogRange(db, key);
  if (range === undefined) throw new AppError('not_found', `Session ${key.id} not found`);
  return range;
}

/** One event, as it is sent. What is no number of an event names none. */
export async function getEventOrThrow(
  db: Kysely<Database>,
  key: SessionKey,
  seq: string,
): Promise<{ json: string }> {
  await getLogRangeOrThrow(db, key);
  const number = /^\d{1,15}$/.test(seq) ? Number(seq) : 0;
  const one = { after: number - 1, before: number + 1, kinds: null, order: 'asc' as const, limit: 1 };
  const event = number === 0 ? undefined : (await findEventPage(db, { key, ...one })).items[0];
  if (event === undefined) throw new AppError('not_found', `Session ${key.id} has no event ${seq}`);
  return event;
}

/** A page of the log, and how far the log goes. */
export async function readEventPage(
  db: Kysely<Database>,
  query: EventQuery,
): Promise<{ range: LogRange; page: EventPage }> {
  // In this order, so that the range covers no less than the page was read from.
  const range = await getLogRangeOrThrow(db, query.key);
  return { range, page: await findEventPage(db, query) };
}
