import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { AppError } from '../ground/errors.ts';
import type { IdempotentRequest, Once } from '../ground/idempotency/service.ts';
import type { Asked, Identity } from '../ground/identity.ts';
import { isUuid, newSessionId, newTurnId } from '../ground/ids.ts';
import type { ActivationQueue } from '../ground/queue/queue.ts';
import { findCapacity } from '../ground/queue/store.ts';
import { commit, commitOnce } from './commit.ts';
import type { EventBus, Signal } from './event/bus.ts';
import { requireKeyLimits } from './key-limits.ts';
import { CANCELLED, cancelTurns, listActiveTurns, queueTurn, type TurnDraft } from './lifecycle.ts';
import { resolveWorkspace } from './options/given-directory.ts';
import { requireResumable, requireStartable } from './requirements.ts';
import { isActive, type QueuePlace, type SessionOptions, type SessionStatus } from './session.ts';
import {
  countPendingSessions,
  type DeletedSessions,
  deleteEndedSessions,
  deleteSession,
  type EndedSessions,
  findSession,
  insertSession,
  lockSession,
  lockWholeSession,
  optionColumns,
  type SessionKey,
  type SessionRow,
  timeBefore,
} from './store.ts';
import { findShownRunning, findTurnPage, type ShownTurn } from './turn/shown-turn.ts';
import { countQueuedTurns, listUnaccounted, type Prompt } from './turn/store.ts';

export type { SessionRow };

export type SessionServices = {
  db: Kysely<Database>;
  bus: EventBus;
  queue: ActivationQueue;
  workspaceRoots: readonly string[];
  /** Whether agents see only what is mounted for them. */
  confines: boolean;
  /** Turns that may wait: of one session, and in sessions that wait for a worker. More are refused. */
  maxQueued: { perSession: number; sessions: number };
  /** Aborts when the server closes: what may take long stops between two steps. */
  closing: AbortSignal;
};

export type StartRequest = Prompt & {
  /** Who asks: the new session is its tenant's. */
  asker: Identity;
  options: SessionOptions;
  cwd: string | null;
  title: string | null;
  metadata: Record<string, string> | null;
  maxBudgetUsd: number | null;
  once: IdempotentRequest | null;
};

/** Accepts a new session with its first turn: when this resolves both are durable and a worker will run them. */
export async function startSession(services: SessionServices, request: StartRequest): Promise<Once<string>> {
  const { tenantId, apiKeyId } = request.asker;
  const { cwd, options } = await requireStartable(services, request);
  return await commitOnce(services, request.once, async (trx) => {
    const id = newSessionId();
    await requirePlace(services, trx, tenantId);
    await requireKeyLimits(trx, { asker: request.asker, sessionId: null });
    const metadata = request.metadata ?? {};
    await insertSession(trx, { ...request, id, tenantId, apiKeyId, cwd, options, metadata });
    const session = { id, tenant_id: tenantId, turn_count: 0, status: 'pending' as const };
    const events = await queueTurn(trx, session, turnDraft(request, request.asker));
    await services.queue.send(trx, { id, tenantId });
    return { events, signals: [{ type: 'work' }], value: id };
  });
}

export function turnDraft({ prompt, content }: Prompt, { apiKeyId }: Identity): TurnDraft {
  return { id: newTurnId(), prompt, content, delivery: 'queue', apiKeyId };
}

export async function requirePlace(
  services: SessionServices,
  trx: Transaction<Database>,
  tenantId: string,
): Promise<void> {
  const { sessions } = services.maxQueued;
  if ((await countPendingSessions(trx, { tenantId, limit: sessions })) < sessions) return;
  throw new AppError('overloaded', `${sessions} sessions wait for a worker already.`, {
    hint: 'try again later; GREENROOM_MAX_QUEUED is the limit',
    retryAfterSeconds: 10,
  });
}

/** A session's own queue is limited as well. */
export async function requireQueueLimit(
  services: SessionServices,
  trx: Transaction<Database>,
  sessionId: string,
): Promise<void> {
  const { perSession } = services.maxQueued;
  if ((await countQueuedTurns(trx, sessionId)) < perSession) return;
  throw new AppError('overloaded', `${perSession} messages wait in session ${sessionId} already.`, {
    hint: 'wait until it has worked on some, or remove one',
    retryAfterSeconds: 5,
  });
}

/**
 * Gives an ended session another turn. Options that the request names replace the session's; the others stay, and so
 * does the workspace.
 */
export async function resumeSession(
  services: SessionServices,
  request: StartRequest & { sessionId: string },
): Promise<Once<string>> {
  const key = { tenantId: request.asker.tenantId, id: request.sessionId };
  const limits = { ...services, tenantId: key.tenantId };
  const cwd = request.cwd === null ? null : await resolveWorkspace(request.cwd, limits);
  return await commitOnce(services, request.once, async (trx) => {
    const locked = await lockWholeSession(trx, key);
    const { session, options } = requireResumable(locked, key.id, { ...request, cwd });
    await requirePlace(services, trx, key.tenantId);
    await requireKeyLimits(trx, { asker: request.asker, sessionId: key.id });
    await updateSettings(trx, session, { ...request, options });
    const events = await queueTurn(trx, session, turnDraft(request, request.asker));
    return { events, signals: [await wakeWorker(services, trx, session)], value: key.id };
  });
}

/** Sees to it that somebody looks at the session's queue. @returns whom to tell after the commit */
export async function wakeWorker(
  services: Pick<SessionServices, 'queue'>,
  trx: Transaction<Database>,
  session: { id: string; tenant_id: string },
): Promise<Signal> {
  const isQueued = await services.queue.send(trx, { id: session.id, tenantId: session.tenant_id });
  return isQueued ? { type: 'work' } : { type: 'input', sessionId: session.id };
}

/** There is nothing to begin: no worker needs to look at the session, unless what an ended turn cost is still open. */
export async function dismissWorker(
  services: Pick<SessionServices, 'queue'>,
  trx: Transaction<Database>,
  sessionId: string,
): Promise<void> {
  if ((await listUnaccounted(trx, sessionId)).length > 0) return;
  await services.queue.withdraw(trx, sessionId);
}

async function updateSettings(
  trx: Transaction<Database>,
  session: SessionRow,
  request: Pick<StartRequest, 'options' | 'title' | 'metadata' | 'maxBudgetUsd'>,
): Promise<void> {
  await trx
    .updateTable('sessions')
    .set({
      ...optionColumns(request.options),
      ...(request.title === null ? {} : { title: request.title }),
      ...(request.metadata === null ? {} : { metadata: JSON.stringify(request.metadata) }),
      ...(request.maxBudgetUsd === null ? {} : { max_budget_usd: request.maxBudgetUsd }),
    })
    .where('id', '=', session.id)
    .execute();
}

/** The key of the session that a request names in its path; what is no UUID names none. */
export function sessionKey({ identity, params }: Asked<{ session_id: string }>): SessionKey {
  const { session_id: id } = params;
  if (!isUuid(id)) throwNotFound(id);
  return { tenantId: identity.tenantId, id: id.toLowerCase() };
}

export async function getSessionOrThrow(db: Kysely<Database>, key: SessionKey): Promise<SessionRow> {
  return (await findSession(db, key)) ?? throwNotFound(key.id);
}

/** For what makes sense only while something waits or runs. */
export function requireActive({ id, status }: Pick<SessionRow, 'id' | 'status'>): void {
  if (isActive(status)) return;
  throw new AppError('session_not_running', `Session ${id} is not running (status: ${status})`);
}

/** Ends what waits or runs in the session. The cancellation is a fact when this resolves; the agent stops within 2 s. */
export async function cancelSession(services: SessionServices, key: SessionKey): Promise<void> {
  await commit(services, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    requireActive(session);
    const { running, queued } = await listActiveTurns(trx, session.id);
    const turns = running === undefined ? queued : [running, ...queued];
    const events = await cancelTurns(trx, session, { turns, reason: CANCELLED, all: true });
    // A worker that has it is told, and gives its job up itself.
    if (running === undefined || session.worker_id === null) await dismissWorker(services, trx, key.id);
    if (running === undefined) return { events, value: undefined };
    return { events, signals: [{ type: 'cancel', sessionId: key.id, turnId: running.id }], value: undefined };
  });
}

/**
 * Deletes a session with all that belongs to it, and what waits in it, unless it runs: that is decided under the lock
 * under which a worker begins its turn. Its directories are removed by the workers that hear of it (engine/worker/worker.ts).
 * @returns its last status
 */
export async function removeSession(services: SessionServices, key: SessionKey): Promise<SessionStatus> {
  return await commit(services, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    if (session.status === 'running') {
      throw new AppError('session_running', `Session ${key.id} is running and cannot be deleted`, {
        hint: `cancel it first: POST /cancel/${key.id}`,
      });
    }
    await services.queue.withdraw(trx, key.id);
    await deleteSession(trx, key);
    await services.queue.forget(trx, [key.id]);
    return {
      signals: [{ type: 'deleted', sessionId: key.id, tenantId: key.tenantId }],
      value: session.status,
    };
  });
}

/** What is deleted in one transaction, which takes about half a second. */
const DELETED_AT_ONCE = { limit: 200, maxEvents: 20_000 };

/**
 * Deletes sessions that ended longer ago; of one tenant, or (null) of all. What is deleted stays so, also when a later
 * part of it fails or the server closes: who asks again goes on from there.
 *
 * @returns how many
 */
export async function cleanUpSessions(
  services: Pick<SessionServices, 'db' | 'bus' | 'queue' | 'closing'>,
  { tenantId, olderThanMs }: { tenantId: string | null; olderThanMs: number },
): Promise<number> {
  const endedBefore = await timeBefore(services.db, olderThanMs);
  let removed = 0;
  let after: Date | null = null;
  do {
    requireOpen(services, removed);
    const batch: EndedSessions = { tenantId, endedBefore, after, ...DELETED_AT_ONCE };
    const deleted: DeletedSessions = await commit(services, async (trx) => {
      const value = await deleteEndedSessions(trx, batch);
      await services.queue.forget(
        trx,
        value.sessions.map(({ id }) => id),
      );
      const signals = value.sessions.map(({ id, tenantId }) => ({
        type: 'deleted' as const,
        sessionId: id,
        tenantId,
      }));
      return { signals, value };
    });
    removed += deleted.sessions.length;
    ({ after } = deleted);
  } while (after !== null);
  return removed;
}

function requireOpen({ closing }: Pick<SessionServices, 'closing'>, removed: number): void {
  if (!closing.aborted) return;
  throw new AppError('shutting_down', `The server is shutting down: ${removed} sessions are deleted.`, {
    hint: 'ask again for the others',
    retryAfterSeconds: 5,
  });
}

export function throwNotFound(id: string): never {
  throw new AppError('not_found', `Session ${id} not found`);
}

/** A session with its latest turns, oldest first, as far as they are not large; and with the one that runs. */
export type SessionDetail = { session: SessionRow; turns: ShownTurn[]; queue: QueuePlace | null };

const MAX_TURNS = 20;
const MAX_TURNS_BYTES = 1_000_000;

export async function getSessionDetail(services: SessionServices, key: SessionKey): Promise<SessionDetail> {
  const session = await getSessionOrThrow(services.db, key);
  const latest = { after: null, limit: MAX_TURNS, order: 'desc', maxBytes: MAX_TURNS_BYTES } as const;
  const { turns } = await findTurnPage(services.db, session.id, latest);
  const running = await findShownRunning(services.db, session.id);
  const isAmong = turns.some(({ id }) => id === running?.id);
  return {
    session,
    turns: [...(running === undefined || isAmong ? [] : [running]), ...turns.toReversed()],
    queue: session.status === 'pending' ? await findQueuePlace(services, key.id) : null,
  };
}

async function findQueuePlace({ db, queue }: SessionServices, sessionId: string): Promise<QueuePlace | null> {
  const position = await queue.position(sessionId);
  if (position === null) return null;
  const { workers, slots, taken } = await findCapacity(db);
  if (workers === 0) return { position, reason: 'no_worker', message: 'No worker is connected.' };
  if (taken >= slots) {
    return { position, reason: 'all_slots_in_use', message: `All ${slots} agent process slots are in use.` };
  }
  if (position > slots - taken) {
    const message = `Sessions ahead of it take the free agent process slots (${slots - taken}).`;
    return { position, reason: 'all_slots_in_use', message };
  }
  return { position, reason: 'starting', message: 'A worker is about to take it.' };
}
