/** What becomes of a message while it waits: other words, another way of delivery, another place among the others. */

import type { Transaction } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { AppError } from '../ground/errors.ts';
import type { Identity } from '../ground/identity.ts';
import { commit } from './commit.ts';
import type { Signal } from './event/bus.ts';
import type { StoredEvent } from './event/event.ts';
import { recordEdit, recordMove } from './lifecycle.ts';
import { deliver, getTurn, lockWaiting, type MessageKey, notWaiting } from './messages.ts';
import { requireBypass } from './options/bypass.ts';
import type { SessionServices } from './service.ts';
import { type SessionState, updateFirstPrompt } from './store.ts';
import { findShownTurn, type ShownTurn } from './turn/shown-turn.ts';
import { listLine, type Prompt, updateDelivery, updatePlaces, updatePrompt } from './turn/store.ts';
import type { Delivery } from './turn/turn.ts';
import { type TurnView, toTurnView } from './turn/view.ts';

type Trx = Transaction<Database>;

export type MessageChange = {
  /** Null leaves it as it is. */
  prompt: Prompt | null;
  delivery: Exclude<Delivery, 'task'> | null;
  /** A message of the same delivery; null is behind them all, undefined leaves it where it is. */
  before: string | null | undefined;
  asker: Identity;
};

type Waiting = { session: SessionState; turn: ShownTurn };

/** Changes a waiting message. Whatever is changed is so when this resolves, and other readers of the log are told. */
export async function editMessage(
  services: SessionServices,
  key: MessageKey,
  { asker, ...change }: MessageChange,
): Promise<TurnView> {
  return await commit(services, async (trx) => {
    const { session, turn } = await lockWaiting(trx, key);
    // The agent has begun it by itself.
    if (turn.delivery === 'task') throw notWaiting(key.id, { state: 'running', steered_into: null });
    requireBypass(session, asker);
    const events: StoredEvent[] = [];
    const signals: Signal[] = [];
    if (change.prompt !== null) {
      await updatePrompt(trx, turn.id, change.prompt);
      if (turn.number === 1) await updateFirstPrompt(trx, key.id, change.prompt);
      events.push(...(await recordEdit(trx, session.id, { ...turn, ...change.prompt })));
    }
    if (change.delivery !== null || change.before !== undefined) {
      events.push(...(await move(trx, { session, turn }, change)));
    }
    if (change.delivery !== null) {
      const delivered = await deliver(services, trx, { session, delivery: change.delivery });
      events.push(...delivered.events);
      signals.push(...delivered.signals);
    }
    return { events, signals, value: toTurnView(await getTurn(trx, { sessionId: key.id, id: turn.id })) };
  });
}

async function move(
  trx: Trx,
  { session, turn }: Waiting,
  { delivery, before }: Pick<MessageChange, 'delivery' | 'before'>,
): Promise<StoredEvent[]> {
  const moved = { ...turn, delivery: delivery ?? turn.delivery };
  if (moved.delivery !== turn.delivery || before == null) {
    await updateDelivery(trx, { id: turn.id, sessionId: session.id, delivery: moved.delivery });
  }
  if (before != null) await placeBefore(trx, session.id, { moved, before: before.toLowerCase() });
  return await recordMove(trx, session.id, { ...moved, before: await findFollower(trx, session.id, moved) });
}

/** The places of the line stay as they are, where no two are equal; who has which does not. */
async function placeBefore(
  trx: Trx,
  sessionId: string,
  { moved, before }: { moved: Pick<ShownTurn, 'id' | 'delivery'>; before: string },
): Promise<void> {
  if (before === moved.id) return;
  const line = await listLine(trx, sessionId, moved.delivery);
  const others = line.filter(({ id }) => id !== moved.id);
  const index = others.findIndex(({ id }) => id === before);
  if (index === -1) throw await notInLine(trx, sessionId, { before, delivery: moved.delivery });
  const order = others.map(({ id }) => id).toSpliced(index, 0, moved.id);
  const places = ascending(line.map(({ place }) => place));
  await updatePlaces(
    trx,
    order.map((id, n) => ({ id, place: places[n] ?? 0 })),
  );
}

/** Messages that came through a server of an older version have no places of their own. */
function ascending(places: readonly number[]): number[] {
  let last = Number.NEGATIVE_INFINITY;
  return places.map((place) => {
    last = Math.max(place, last + 1);
    return last;
  });
}

async function findFollower(
  trx: Trx,
  sessionId: string,
  { id, delivery }: Pick<ShownTurn, 'id' | 'delivery'>,
): Promise<string | null> {
  const line = await listLine(trx, sessionId, delivery);
  return line[line.findIndex((other) => other.id === id) + 1]?.id ?? null;
}

async function notInLine(
  trx: Trx,
  sessionId: string,
  { before, delivery }: { before: string; delivery: Delivery },
): Promise<AppError> {
  const other = await findShownTurn(trx, { sessionId, id: before });
  if (other !== undefined && other.state !== 'queued') return notWaiting(sessionId, other);
  const message =
    other === undefined
      ? 'the session has no such message'
      : `that message is sent as ${other.delivery}, and this one as ${delivery}: those run one kind after the other`;
  return new AppError('invalid_request', `before: ${message}`, { errors: [{ field: 'before', message }] });
}
