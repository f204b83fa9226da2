import { randomUUIDv7 } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database } from '../../../server/src/ground/db/database.ts';
import type { EventTable } from '../../../server/src/session/event/table.ts';

type Db = Kysely<Database>;
type EventRow = Selectable<EventTable>;
type TurnKey = { id: string; number: number };
type History = { events: EventRow[]; turns: TurnKey[]; spanMs: number };

const ROWS_PER_INSERT = 500;

/** Appends a session's history to itself until it has so many events: new ids, later times, the numbers going on. */
export async function repeatHistory(
  db: Db,
  { sessionId, events: wanted }: { sessionId: string; events: number },
): Promise<void> {
  const history = await readHistory(db, sessionId);
  const rounds = Math.ceil(wanted / history.events.length) - 1;
  // What comes later must not lie in the future.
  await sql`update events set at = at - make_interval(secs => ${(rounds * history.spanMs) / 1_000}) where session_id = ${sessionId}`.execute(
    db,
  );
  for (let round = 1; round <= rounds; round++) {
    const ids = new Map(history.turns.map(({ id }) => [id, randomUUIDv7()]));
    await copyTurns(db, history, { ids, round });
    await copyEvents(db, history, { ids, round, rounds });
  }
  await sql`
    update sessions
    set last_seq = last_seq * ${rounds + 1}, turn_count = turn_count * ${rounds + 1},
      message_count = message_count * ${rounds + 1}, cost_usd = cost_usd * ${rounds + 1}
    where id = ${sessionId}`.execute(db);
}

async function readHistory(db: Db, sessionId: string): Promise<History> {
  const events = await db
    .selectFrom('events')
    .selectAll()
    .where('session_id', '=', sessionId)
    .orderBy('seq')
    .execute();
  const turns = await db
    .selectFrom('turns')
    .select(['id', 'number'])
    .where('session_id', '=', sessionId)
    .execute();
  const times = events.map(({ at }) => at.getTime());
  return { events, turns, spanMs: Math.max(...times) - Math.min(...times) + 1_000 };
}

type Round = { ids: ReadonlyMap<string, string>; round: number };

async function copyTurns(db: Db, { turns }: History, { ids, round }: Round): Promise<void> {
  const changes = turns.map(({ id, number }) => ({
    from: id,
    change: { id: ids.get(id), number: number + round * turns.length },
  }));
  await sql`
    insert into turns
    select (jsonb_populate_record(turns, copy -> 'change')).*
    from jsonb_array_elements(${JSON.stringify(changes)}::jsonb) as copy
    join turns on turns.id = (copy ->> 'from')::uuid`.execute(db);
}

async function copyEvents(db: Db, history: History, round: Round & { rounds: number }): Promise<void> {
  const rows = history.events.map((event) => copyOf(event, history, round));
  for (let at = 0; at < rows.length; at += ROWS_PER_INSERT) {
    await db
      .insertInto('events')
      .values(rows.slice(at, at + ROWS_PER_INSERT))
      .execute();
  }
}

function copyOf(event: EventRow, { events, turns, spanMs }: History, copy: Round & { rounds: number }) {
  const { ids, round, rounds } = copy;
  return {
    ...event,
    seq: event.seq + round * events.length,
    turn_id: event.turn_id === null ? null : (ids.get(event.turn_id) ?? null),
    data: JSON.stringify(event.data, (key, value) => {
      if (key === 'turn' && typeof value === 'number') return value + round * turns.length;
      return typeof value === 'string' ? renamed(key, value, copy) : value;
    }),
    at: new Date(event.at.getTime() - (rounds - round) * spanMs),
  };
}

/** Ids of calls, messages and turns are of one round each. */
function renamed(key: string, value: string, { ids, round }: Round): string {
  if (/^(toolu|msg|req)_/.test(value)) return `${value}r${round}`;
  if (key === 'uuid') return `${round.toString(16).padStart(8, '0')}${value.slice(8)}`;
  return ids.get(value) ?? value;
}
