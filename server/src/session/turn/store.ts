import { randomUUID } from 'node:crypto';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { TurnTable } from './table.ts';
import type { ContentBlock, Delivery, TurnError, TurnResult, WentOn } from './turn.ts';

export type TurnRow = Omit<Selectable<TurnTable>, 'error' | 'result'> & {
  error: TurnError | null;
  result: TurnResult | null;
};

/** What a message says: its text, and the whole of it where there is more than text. */
export type Prompt = { prompt: string; content: ContentBlock[] | null };

/** What it takes to end a turn, or to fold it into another one. */
export type ActiveTurn = Pick<TurnRow, 'id' | 'number'>;

export type NewTurn = Prompt & {
  id: string;
  sessionId: string;
  tenantId: string;
  number: number;
  delivery: Delivery;
  apiKeyId: string | null;
};

/** Among the queued turns of a session the most urgent is next, then the one that comes first in its line. */
const urgency: Record<Delivery, number> = { queue: 0, steer: 1, interrupt: 2, task: 3 };

/** Behind all that wait in the session; under its row lock no two have the same. */
function lastPlace(sessionId: string) {
  return sql<number>`(
    select greatest(sessions.turn_count, max(turns.place)) + 1
    from sessions left join turns on turns.session_id = sessions.id and turns.state = 'queued'
    where sessions.id = ${sessionId} group by sessions.turn_count
  )`;
}

export async function insertTurn(trx: Transaction<Database>, turn: NewTurn): Promise<void> {
  await trx
    .insertInto('turns')
    .values({
      id: turn.id,
      session_id: turn.sessionId,
      tenant_id: turn.tenantId,
      number: turn.number,
      state: 'queued',
      api_key_id: turn.apiKeyId,
      prompt: turn.prompt,
      content: turn.content === null ? null : JSON.stringify(turn.content),
      delivery: turn.delivery,
      urgency: urgency[turn.delivery],
      place: lastPlace(turn.sessionId),
      usage: '{}',
    })
    .execute();
}

/** The next one to run, whole. */
export async function findQueuedTurn(trx: Kysely<Database>, sessionId: string): Promise<TurnRow | undefined> {
  const row = await queuedTurns(trx, sessionId).selectAll().limit(1).executeTakeFirst();
  return row as TurnRow | undefined;
}

/** In the order in which they will run; not what they say, which may be much. */
export async function listQueuedTurns(db: Kysely<Database>, sessionId: string): Promise<ActiveTurn[]> {
  return await queuedTurns(db, sessionId).select(['id', 'number']).execute();
}

/** Those that are to become part of a turn that runs. */
export async function listSteering(trx: Transaction<Database>, sessionId: string): Promise<ActiveTurn[]> {
  return await queuedTurns(trx, sessionId).select(['id', 'number']).where('delivery', '=', 'steer').execute();
}

function queuedTurns(db: Kysely<Database>, sessionId: string) {
  return db
    .selectFrom('turns')
    .where('session_id', '=', sessionId)
    .where('state', '=', 'queued')
    .orderBy('urgency', 'desc')
    .orderBy('place')
    .orderBy('number');
}

export async function hasQueuedTurn(db: Kysely<Database>, sessionId: string): Promise<boolean> {
  return (await queuedTurns(db, sessionId).select('id').limit(1).executeTakeFirst()) !== undefined;
}

export async function countQueuedTurns(db: Kysely<Database>, sessionId: string): Promise<number> {
  const { count } = await db
    .selectFrom('turns')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('session_id', '=', sessionId)
    .where('state', '=', 'queued')
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** What a key has asked for and is not done: in how many sessions, and how many turns of it wait. */
export async function countActiveTurns(
  trx: Transaction<Database>,
  { apiKeyId, besides }: { apiKeyId: string; besides: string | null },
): Promise<{ sessions: number; queued: number }> {
  const { rows } = await sql<{ sessions: number; queued: number }>`
    select count(distinct session_id) filter (where session_id is distinct from ${besides}::uuid)::int as sessions,
      count(*) filter (where state = 'queued')::int as queued
    from turns where api_key_id = ${apiKeyId} and state in ('queued', 'running')
  `.execute(trx);
  return rows[0] ?? { sessions: 0, queued: 0 };
}

export async function findTurn(
  db: Kysely<Database>,
  key: { sessionId: string; id: string },
): Promise<TurnRow | undefined> {
  const row = await db
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', key.sessionId)
    .where('id', '=', key.id)
    .executeTakeFirst();
  return row as TurnRow | undefined;
}

/** The turn that began last; one that steered another never did. */
export async function findLastBegun(db: Kysely<Database>, sessionId: string): Promise<string | undefined> {
  const turn = await db
    .selectFrom('turns')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('started_at', 'is not', null)
    .orderBy('started_at', 'desc')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return turn?.id;
}

/** Changes what a queued turn says. */
export async function updatePrompt(trx: Transaction<Database>, id: string, prompt: Prompt): Promise<void> {
  await trx
    .updateTable('turns')
    .set({
      prompt: prompt.prompt,
      content: prompt.content === null ? null : JSON.stringify(prompt.content),
    })
    .where('id', '=', id)
    .execute();
}

/** What waits is delivered in another way, as if it had been sent now. */
export async function updateDelivery(
  trx: Transaction<Database>,
  turn: { id: string; sessionId: string; delivery: Delivery },
): Promise<void> {
  const place = lastPlace(turn.sessionId);
  await trx
    .updateTable('turns')
    .set({ delivery: turn.delivery, urgency: urgency[turn.delivery], place })
    .where('id', '=', turn.id)
    .execute();
}

/** Those of one delivery, in the order in which they will run. */
export async function listLine(
  trx: Transaction<Database>,
  sessionId: string,
  delivery: Delivery,
): Promise<{ id: string; place: number }[]> {
  return await queuedTurns(trx, sessionId).select(['id', 'place']).where('delivery', '=', delivery).execute();
}

export async function updatePlaces(
  trx: Transaction<Database>,
  line: readonly { id: string; place: number }[],
): Promise<void> {
  await sql`
    update turns set place = moved.place
    from unnest(${line.map(({ id }) => id)}::uuid[], ${line.map(({ place }) => place)}::bigint[]) as moved (id, place)
    where turns.id = moved.id
  `.execute(trx);
}

/** Under which id the agent knows the turn's message: it ignores one that it had, and gave back, under another. */
export function messageIdOf({ id, message_id }: Pick<TurnRow, 'id' | 'message_id'>): string {
  return message_id ?? id;
}

/** Messages that became part of the turn. */
export async function listSteeredInto(
  db: Kysely<Database>,
  turn: Pick<TurnRow, 'id' | 'session_id'>,
): Promise<TurnRow[]> {
  return await db
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', turn.session_id)
    .where('steered_into', '=', turn.id)
    .execute();
}

/** @returns the id under which the agent gets the turn's message from now on */
export async function renewMessageId(trx: Transaction<Database>, id: string): Promise<string> {
  const renewed = randomUUID();
  await trx.updateTable('turns').set({ message_id: renewed }).where('id', '=', id).execute();
  return renewed;
}

/** The running turn has no process any more. */
export async function leaveTurn(
  trx: Transaction<Database>,
  id: string,
  { reason, isWhole }: { reason: TurnRow['left_for']; isWhole: boolean },
): Promise<void> {
  await trx
    .updateTable('turns')
    .set({ left_for: reason, left_whole: isWhole })
    .where('id', '=', id)
    .execute();
}

/** It gets one again. A prompt that is given with a note has that one's id. */
export async function recordWentOn(trx: Transaction<Database>, id: string, wentOn: WentOn): Promise<void> {
  const message = wentOn.note?.withPrompt === true ? { message_id: wentOn.note.id } : {};
  await trx
    .updateTable('turns')
    .set({ left_for: null, left_whole: false, went_on: JSON.stringify(wentOn), ...message })
    .where('id', '=', id)
    .execute();
}

/** The one that became part of another, and that the agent knows under this id. */
export async function findSteeredBy(
  trx: Transaction<Database>,
  sessionId: string,
  messageId: string,
): Promise<ActiveTurn | undefined> {
  return await trx
    .selectFrom('turns')
    .select(['id', 'number'])
    .where('session_id', '=', sessionId)
    .where('steered_into', 'is not', null)
    .where((eb) => eb(eb.fn.coalesce('message_id', 'id'), '=', messageId))
    .executeTakeFirst();
}

/** The message is a part of a running turn from now on, and given to its agent. @returns false when it no longer waits */
export async function foldTurn(trx: Transaction<Database>, id: string, into: string): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('turns')
    .set({
      state: 'completed',
      steered_into: into,
      is_accounted: true,
      sent_at: sql<Date>`now()`,
      ended_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .where('state', '=', 'queued')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** @returns false when it was noted before */
export async function markRead(trx: Transaction<Database>, id: string): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('turns')
    .set({ read_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('read_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** What the turn's agent has not read is not to be run. */
export async function discardUnread(trx: Transaction<Database>, id: string): Promise<void> {
  await trx.updateTable('turns').set({ discards_unread: true }).where('id', '=', id).execute();
}

/** The agent never read the message: it waits again. @returns the turn that it was part of, null when of none */
export async function unfoldTurn(
  trx: Transaction<Database>,
  id: string,
): Promise<Pick<TurnRow, 'discards_unread'> | null> {
  const into = await trx
    .selectFrom('turns')
    .innerJoin('turns as part', 'part.steered_into', 'turns.id')
    .select('turns.discards_unread')
    .where('part.id', '=', id)
    .executeTakeFirst();
  if (into === undefined) return null;
  await trx
    .updateTable('turns')
    .set({
      state: 'queued',
      steered_into: null,
      is_accounted: false,
      sent_at: null,
      ended_at: null,
      message_id: randomUUID(),
    })
    .where('id', '=', id)
    .execute();
  return into;
}

export async function findRunningTurn(
  trx: Kysely<Database>,
  sessionId: string,
): Promise<TurnRow | undefined> {
  const row = await trx
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return row as TurnRow | undefined;
}

/** The same, without what it says. */
export async function findRunningId(
  trx: Kysely<Database>,
  sessionId: string,
): Promise<ActiveTurn | undefined> {
  return await trx
    .selectFrom('turns')
    .select(['id', 'number'])
    .where('session_id', '=', sessionId)
    .where('state', '=', 'running')
    .executeTakeFirst();
}

export async function startTurn(trx: Transaction<Database>, id: string): Promise<void> {
  await trx
    .updateTable('turns')
    .set({
      state: 'running',
      started_at: sql<Date>`now()`,
      notes_calls: true,
      options: sql`(select options from sessions where id = turns.session_id)`,
    })
    .where('id', '=', id)
    .execute();
}

export type TurnEnd = {
  id: string;
  state: 'completed' | 'error' | 'cancelled';
  result: TurnResult | null;
  error: TurnError | null;
};

/** Gives the turn its one terminal state. @returns null when it already had one; a turn that never began took no time */
export async function endTurn(
  trx: Transaction<Database>,
  end: TurnEnd,
): Promise<{ durationMs: number | null } | null> {
  const ended = await trx
    .updateTable('turns')
    .set({
      state: end.state,
      result: end.result === null ? null : JSON.stringify(end.result),
      error: end.error === null ? null : JSON.stringify(end.error),
      // They tell how a running turn goes on.
      options: sql`null`,
      ended_at: sql<Date>`now()`,
    })
    .where('id', '=', end.id)
    .where('state', 'in', ['queued', 'running'])
    .returning(['started_at', 'ended_at'])
    .executeTakeFirst();
  if (ended === undefined) return null;
  const { started_at, ended_at } = ended;
  const isKnown = started_at !== null && ended_at !== null;
  return { durationMs: isKnown ? ended_at.getTime() - started_at.getTime() : null };
}

/** Turns that have ended, and of which nobody has said that their cost is known in full. */
export async function listUnaccounted(trx: Transaction<Database>, sessionId: string): Promise<string[]> {
  const turns = await trx
    .selectFrom('turns')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('is_accounted', '=', false)
    .where('started_at', 'is not', null)
    .where('ended_at', 'is not', null)
    .execute();
  return turns.map(({ id }) => id);
}

/** What the turn cost is known in full. @returns false when it was before */
export async function settleTurn(trx: Transaction<Database>, id: string): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('turns')
    .set({ is_accounted: true })
    .where('id', '=', id)
    .where('is_accounted', '=', false)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
