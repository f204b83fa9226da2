import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import { getSessionOrThrow } from '../session/service.ts';
import type { SessionKey } from '../session/store.ts';
import { listTurns, type TurnPage } from './store.ts';
import { type TurnView, toTurnView } from './view.ts';

/** By number. `next` is the cursor of the page after this one, null on the last. */
export async function listTurnPage(
  db: Kysely<Database>,
  key: SessionKey,
  page: TurnPage,
): Promise<{ turns: TurnView[]; next: number | null }> {
  const session = await getSessionOrThrow(db, key);
  const rows = await listTurns(db, session.id, { ...page, limit: page.limit + 1 });
  const turns = rows.slice(0, page.limit).map(toTurnView);
  return { turns, next: rows.length > page.limit ? (turns.at(-1)?.number ?? null) : null };
}
