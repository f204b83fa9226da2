import { type Kysely, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { SessionStatus } from '../../session/session.ts';
import type { SessionRow } from '../../session/store.ts';
import { MAX_ERROR_CHARACTERS, type TurnResult } from '../../session/turn/turn.ts';
import { PROMPT_SEPARATOR } from './classic.ts';

export type SessionPage = {
  tenantId: string;
  limit: number;
  before: string | null;
  status: SessionStatus | null;
};

const listedColumns = [
  ...(['id', 'status', 'created_at', 'started_at', 'ended_at', 'cost_usd', 'message_count'] as const),
  'claude_session_id',
] as const;

export type ListedSession = Pick<SessionRow, (typeof listedColumns)[number] | 'error'>;

/** Newest first; ids are UUID v7, so their order is the order of creation. */
export async function listSessions(db: Kysely<Database>, page: SessionPage): Promise<ListedSession[]> {
  let query = db
    .selectFrom('sessions')
    .select(listedColumns)
    .select(sql<string | null>`left(error, ${MAX_ERROR_CHARACTERS})`.as('error'))
    .where('tenant_id', '=', page.tenantId);
  if (page.before !== null) query = query.where('id', '<', page.before);
  if (page.status !== null) query = query.where('status', '=', page.status);
  return await query.orderBy('id', 'desc').limit(page.limit).execute();
}

/**
 * The beginnings of the sessions' prompts, joined: `characters` of them, or all there are.
 */
export async function findPromptBeginnings(
  db: Kysely<Database>,
  sessionIds: readonly string[],
  characters: number,
): Promise<Map<string, string>> {
  const prompts = Math.ceil(characters / PROMPT_SEPARATOR.length) + 1;
  const { rows } = await sql<{ id: string; prompt: string }>`
    select id, prompt from unnest(${sessionIds}::uuid[]) as sessions (id), lateral (
      select left(string_agg(beginning, ${PROMPT_SEPARATOR} order by number), ${characters}) as prompt from (
        select number, left(prompt, ${characters}) as beginning from turns
        where session_id = sessions.id order by number limit ${prompts}
      ) firsts
    ) joined
    where prompt is not null
  `.execute(db);
  return new Map(rows.map((row) => [row.id, row.prompt]));
}

/** Of a result, what the classic API shows. */
export type ShortResult = Pick<TurnResult, 'session_id' | 'num_turns' | 'duration_ms' | 'usage'>;

// Of a result as it is stored, without what the agent said: that comes last.
const RESULT_CHARACTERS = 16_384;

/** What the last turn gave that each of the sessions completed. */
export async function findResults(
  db: Kysely<Database>,
  sessionIds: readonly string[],
): Promise<Map<string, ShortResult>> {
  const { rows } = await sql<{ id: string; result: string }>`
    select id, left(result::text, ${RESULT_CHARACTERS}) as result
    from unnest(${sessionIds}::uuid[]) as sessions (id), lateral (
      select result from turns
      where session_id = sessions.id and state = 'completed' and steered_into is null
      order by ended_at desc limit 1
    ) last
    where result is not null
  `.execute(db);
  return new Map(
    rows.flatMap(({ id, result }) => {
      const read = readShortResult(result);
      return read === null ? [] : [[id, read] as const];
    }),
  );
}

/**
 * Reads a result that was cut off somewhere in its text, without that. By its text, since PostgreSQL cannot read all.
 * Null where what comes before the text is no usual one: an agent says it, and whoever speaks in its place.
 */
function readShortResult(stored: string): ShortResult | null {
  try {
    const { session_id, num_turns, duration_ms, usage } = JSON.parse(`${stored.split(',"text":', 1)}}`);
    return { session_id, num_turns, duration_ms, usage };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
