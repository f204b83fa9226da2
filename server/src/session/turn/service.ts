import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { AppError } from '../../ground/errors.ts';
import { isUuid } from '../../ground/ids.ts';
import { getSessionOrThrow } from '../service.ts';
import type { SessionKey } from '../store.ts';
import { findImage, findTurnPage, type StoredImage, type TurnPage } from './shown-turn.ts';
import { findTurn, type TurnRow } from './store.ts';
import { type TurnView, toTurnView } from './view.ts';

/** By number. `next` is the cursor of the page after this one, null on the last. */
export async function listTurnPage(
  db: Kysely<Database>,
  key: SessionKey,
  page: TurnPage,
): Promise<{ turns: TurnView[]; next: number | null }> {
  const session = await getSessionOrThrow(db, key);
  const { turns, isLast } = await findTurnPage(db, session.id, page);
  return { turns: turns.map(toTurnView), next: isLast ? null : (turns.at(-1)?.number ?? null) };
}

/** One turn, whole. */
export async function getTurnOrThrow(db: Kysely<Database>, key: SessionKey, id: string): Promise<TurnRow> {
  const session = await getSessionOrThrow(db, key);
  const turn = isUuid(id) ? await findTurn(db, { sessionId: session.id, id }) : undefined;
  if (turn === undefined) throw new AppError('not_found', `Session ${key.id} has no turn ${id}`);
  return turn;
}

/** One image of the prompt of a turn, by its number. */
export async function getImageOrThrow(
  db: Kysely<Database>,
  key: SessionKey,
  { turnId, number }: { turnId: string; number: string },
): Promise<StoredImage> {
  const session = await getSessionOrThrow(db, key);
  const isName = isUuid(turnId) && /^[1-9]\d{0,3}$/.test(number);
  const image = isName
    ? await findImage(db, { sessionId: session.id, id: turnId, number: Number(number) })
    : undefined;
  if (image !== undefined) return image;
  throw new AppError('not_found', `Session ${key.id} has no image ${number} in a turn ${turnId}`);
}
