import type { Kysely } from 'kysely';
import type { z } from 'zod';
import type { Database } from '../../ground/db/database.ts';
import { cutText } from '../../ground/util/cut-text.ts';
import { toPage } from '../../ground/util/page.ts';
import type { classicResult, sessionListItem } from './classic.ts';
import {
  findPromptBeginnings,
  findResults,
  type ListedSession,
  listSessions,
  type SessionPage,
  type ShortResult,
} from './store.ts';

export type ClassicResult = z.infer<typeof classicResult>;
export type SessionListItem = z.infer<typeof sessionListItem>;

/** Of a prompt in the list. */
const PROMPT_BYTES = 2048;

/** Newest first. `next` is the cursor of the page after this one, null on the last. */
export async function readPage(
  db: Kysely<Database>,
  page: SessionPage,
): Promise<{ sessions: SessionListItem[]; next: string | null }> {
  const rows = await listSessions(db, { ...page, limit: page.limit + 1 });
  const sessions = rows.slice(0, page.limit);
  const ids = sessions.map((session) => session.id);
  const prompts = await findPromptBeginnings(db, ids, PROMPT_BYTES + 1);
  const completed = sessions.filter((session) => session.status === 'completed');
  const results = await findResults(
    db,
    completed.map((session) => session.id),
  );
  const { items, next } = toPage(rows, {
    limit: page.limit,
    show: (session) => toListItem(session, prompts.get(session.id) ?? '', results),
    cursorOf: ({ id }) => id,
  });
  return { sessions: items, next };
}

/** What the last turn gave; only of a session that is completed. */
export async function readResult(
  db: Kysely<Database>,
  session: Pick<ListedSession, 'id' | 'status' | 'cost_usd'>,
): Promise<ClassicResult | null> {
  if (session.status !== 'completed') return null;
  return toResult(session, (await findResults(db, [session.id])).get(session.id));
}

function toListItem(
  session: ListedSession,
  prompts: string,
  results: ReadonlyMap<string, ShortResult>,
): SessionListItem {
  const prompt = cutText(prompts, PROMPT_BYTES);
  return {
    session_id: session.id,
    status: session.status,
    prompt,
    ...(prompt === prompts ? {} : { prompt_truncated: true as const }),
    created_at: session.created_at.toISOString(),
    start_time: session.started_at?.toISOString() ?? null,
    end_time: session.ended_at?.toISOString() ?? null,
    error: session.error,
    result: toResult(session, results.get(session.id)),
    message_count: session.message_count,
    claude_session_id: session.claude_session_id,
  };
}

function toResult({ cost_usd }: { cost_usd: number }, result: ShortResult | undefined): ClassicResult | null {
  if (result === undefined) return null;
  const { session_id, num_turns, duration_ms, usage } = result;
  return { session_id, num_turns, duration_ms, total_cost_usd: cost_usd, usage };
}
