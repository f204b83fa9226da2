/** What is said to a session that may be busy: messages that wait, steer or interrupt, and the interruption itself. */

import type { Transaction } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { AppError } from '../ground/errors.ts';
import type { IdempotentRequest, Once } from '../ground/idempotency/service.ts';
import type { Asked, Identity } from '../ground/identity.ts';
import { isUuid, newTurnId } from '../ground/ids.ts';
import { commit, commitOnce } from './commit.ts';
import type { Signal } from './event/bus.ts';
import type { StoredEvent } from './event/event.ts';
import { requireKeyLimits } from './key-limits.ts';
import { cancelTurns, listActiveTurns, queueTurn, STOPPED, TAKEN_BACK } from './lifecycle.ts';
import { requireBypass } from './options/bypass.ts';
import {
  dismissWorker,
  getSessionOrThrow,
  requireActive,
  requirePlace,
  requireQueueLimit,
  type SessionServices,
  sessionKey,
  throwNotFound,
  wakeWorker,
} from './service.ts';
import { isActive, type SessionStatus } from './session.ts';
import { lockSession, type SessionKey, type SessionState } from './store.ts';
import { findQueuePage, findShownTurn, type ShownTurn, showContent } from './turn/shown-turn.ts';
import { findRunningId, type Prompt } from './turn/store.ts';
import type { Delivery } from './turn/turn.ts';
import { type TurnView, toTurnView } from './turn/view.ts';

type Trx = Transaction<Database>;

export type MessageKey = SessionKey & { turnId: string };

/** The key of the message that a request names in its path; what is no UUID names none. */
export function messageKey(request: Asked<{ session_id: string; turn_id: string }>): MessageKey {
  const key = sessionKey(request);
  const { turn_id: turnId } = request.params;
  if (!isUuid(turnId)) throwNoMessage(key.id, turnId);
  return { ...key, turnId: turnId.toLowerCase() };
}

export type Message = Prompt & {
  delivery: Exclude<Delivery, 'task'>;
  asker: Identity;
  once: IdempotentRequest | null;
};

/** Gives the session a message; to one that is idle it is its next turn. Durable when this resolves. */
export async function sendMessage(
  services: SessionServices,
  key: SessionKey,
  message: Message,
): Promise<Once<TurnView>> {
  const { prompt, content } = message;
  const sent = await commitOnce(services, message.once, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    requireBypass(session, message.asker);
    await requireQueueLimit(services, trx, key.id);
    if (!isActive(session.status)) await requirePlace(services, trx, key.tenantId);
    await requireKeyLimits(trx, { asker: message.asker, sessionId: key.id });
    const id = newTurnId();
    const events = await queueTurn(trx, session, { ...message, id, apiKeyId: message.asker.apiKeyId });
    const delivered = await deliver(services, trx, { session, delivery: message.delivery });
    events.push(...delivered.events);
    // A repeat of the request says again what it said: that is not kept twice.
    const { prompt: _, content: __, ...value } = toTurnView(await getTurn(trx, { sessionId: key.id, id }));
    return { events, signals: delivered.signals, value };
  });
  const turn = { sessionId: key.id, id: sent.value.turn_id };
  const said = { prompt, content: content && showContent(content, turn) };
  return { ...sent, value: { ...sent.value, ...said } };
}

/** Sees to a message that has just begun to wait: who is told of it, and what has to stop for it. */
export async function deliver(
  services: SessionServices,
  trx: Trx,
  { session, delivery }: { session: SessionState; delivery: Delivery },
): Promise<{ events: StoredEvent[]; signals: Signal[] }> {
  const running = await findRunningId(trx, session.id);
  const signals = [await wakeWorker(services, trx, session)];
  if (running === undefined || delivery !== 'interrupt') return { events: [], signals };
  const events = await cancelTurns(trx, session, { turns: [running], reason: STOPPED });
  signals.push({ type: 'cancel', sessionId: session.id, turnId: running.id });
  return { events, signals };
}

/** Messages that wait, in the order in which they will run. */
export async function listMessages(
  services: SessionServices,
  key: SessionKey,
  page: { after: string | null; limit: number },
): Promise<{ messages: TurnView[]; next: string | null }> {
  const session = await getSessionOrThrow(services.db, key);
  const { turns, isLast } = await findQueuePage(services.db, session.id, page);
  return { messages: turns.map(toTurnView), next: isLast ? null : (turns.at(-1)?.id ?? null) };
}

/** Takes a waiting message back. */
export async function removeMessage(services: SessionServices, key: MessageKey): Promise<TurnView> {
  return await commit(services, async (trx) => {
    const { session, turn } = await lockWaiting(trx, key);
    const events = await cancelTurns(trx, session, { turns: [turn], reason: TAKEN_BACK });
    const { running, queued } = await listActiveTurns(trx, key.id);
    if (running === undefined && queued.length === 0) await dismissWorker(services, trx, key.id);
    return { events, value: toTurnView(await getTurn(trx, { sessionId: key.id, id: key.turnId })) };
  });
}

export type Interruption = { status: SessionStatus; interrupted: string | null; discarded: string[] };

/**
 * Stops the running turn and keeps the session usable: what waits runs next, unless it is discarded as well. The
 * interruption is a fact when this resolves; the agent stops within 2 s.
 */
export async function interruptSession(
  services: SessionServices,
  key: SessionKey,
  { discardQueued }: { discardQueued: boolean },
): Promise<Interruption> {
  return await commit<Interruption>(services, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    requireActive(session);
    const { running, queued } = await listActiveTurns(trx, key.id);
    const discarded = discardQueued ? queued : [];
    const events = await cancelTurns(trx, session, { turns: discarded, reason: TAKEN_BACK });
    const signals: Signal[] = [];
    if (running !== undefined) {
      const stop = { turns: [running], reason: STOPPED, all: discardQueued };
      events.push(...(await cancelTurns(trx, session, stop)));
      signals.push({ type: 'cancel', sessionId: key.id, turnId: running.id });
    }
    // A parked turn had no job; what waited behind it needs one.
    if (discarded.length < queued.length) signals.push(await wakeWorker(services, trx, session));
    else if (running === undefined || session.worker_id === null) await dismissWorker(services, trx, key.id);
    const after = (await lockSession(trx, key)) ?? session;
    const value = {
      status: after.status,
      interrupted: running?.id ?? null,
      discarded: discarded.map((turn) => turn.id),
    };
    return { events, signals, value };
  });
}

/** A message that can still be changed. */
export async function lockWaiting(
  trx: Trx,
  key: MessageKey,
): Promise<{ session: SessionState; turn: ShownTurn }> {
  const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
  const turn = await getTurn(trx, { sessionId: key.id, id: key.turnId });
  if (turn.state === 'queued') return { session, turn };
  throw notWaiting(key.id, turn);
}

export function notWaiting(sessionId: string, turn: Pick<ShownTurn, 'state' | 'steered_into'>): AppError {
  const isSteering = turn.steered_into !== null;
  const where = isSteering ? 'has been given to the agent' : `is ${turn.state}`;
  const isAtWork = isSteering || turn.state === 'running';
  return new AppError('message_not_queued', `The message ${where} and can no longer be changed.`, {
    ...(isAtWork ? { hint: `POST /sessions/${sessionId}/interrupt stops the running turn` } : {}),
  });
}

export async function getTurn(trx: Trx, key: { sessionId: string; id: string }): Promise<ShownTurn> {
  return (await findShownTurn(trx, key)) ?? throwNoMessage(key.sessionId, key.id);
}

function throwNoMessage(sessionId: string, id: string): never {
  throw new AppError('not_found', `Session ${sessionId} has no message ${id}`);
}
