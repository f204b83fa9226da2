import { type Kysely, sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { listSdkMessages } from '../event/store.ts';
import { getSessionOrThrow, listSessionPage, type SessionRow } from '../session/service.ts';
import type { SessionKey, SessionPage } from '../session/store.ts';
import type { TurnResult } from '../turn/turn.ts';
import { PROMPT_SEPARATOR } from './classic.ts';
import { type ClassicMessage, toClassicMessage } from './messages.ts';

/** A session as the classic API shows it: its prompts as one text, and the last turn's result. */
export type ClassicSession = { session: SessionRow; prompt: string; result: TurnResult | null };

export async function readStatus(
  db: Kysely<Database>,
  key: SessionKey,
): Promise<ClassicSession & { messages: ClassicMessage[] }> {
  const session = await getSessionOrThrow(db, key);
  const [classic] = await withTurns(db, [session]);
  const messages = await listSdkMessages(db, session.id);
  return {
    ...(classic ?? { session, prompt: '', result: null }),
    messages: messages.flatMap(({ data, at }) => toClassicMessage(data, at) ?? []),
  };
}

export async function readPage(
  db: Kysely<Database>,
  page: SessionPage,
): Promise<{ sessions: ClassicSession[]; next: string | null }> {
  const { sessions, next } = await listSessionPage(db, page);
  return { sessions: await withTurns(db, sessions), next };
}

/** One query for a whole page. */
async function withTurns(db: Kysely<Database>, sessions: readonly SessionRow[]): Promise<ClassicSession[]> {
  const { rows } = await sql<{ session_id: string; prompt: string; result: TurnResult | null }>`
    select session_id, string_agg(prompt, ${PROMPT_SEPARATOR} order by number) as prompt,
      (array_agg(result order by ended_at desc) filter (where state = 'completed' and steered_into is null))[1] as result
    from turns where session_id = any(${sessions.map((session) => session.id)}::uuid[]) group by session_id
  `.execute(db);
  const bySession = new Map(rows.map((row) => [row.session_id, row]));
  return sessions.map((session) => {
    const turns = bySession.get(session.id);
    return { session, prompt: turns?.prompt ?? '', result: turns?.result ?? null };
  });
}
