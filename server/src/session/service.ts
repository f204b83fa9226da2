import type { Kysely, Transaction } from 'kysely';
import { type Database, DEFAULT_TENANT } from '../db/database.ts';
import { AppError } from '../errors.ts';
import type { EventBus, Signal } from '../event/bus.ts';
import type { StoredEvent } from '../event/event.ts';
import { isUuid, newSessionId, newTurnId } from '../ids.ts';
import type { ActivationQueue } from '../queue/queue.ts';
import { listTurns, type TurnRow } from '../turn/store.ts';
import { findCapacity } from '../worker/store.ts';
import { cancelTurns, queueTurn } from './lifecycle.ts';
import { isActive, type QueuePlace, type SessionOptions, type SessionStatus } from './session.ts';
import {
  countActiveSessions,
  deleteEndedSessions,
  deleteSession,
  findSession,
  insertSession,
  listSessions,
  lockSession,
  type SessionKey,
  type SessionPage,
  type SessionRow,
} from './store.ts';
import { resolveWorkspace } from './workspace.ts';

export type { SessionRow, TurnRow };

export type SessionServices = {
  db: Kysely<Database>;
  bus: EventBus;
  queue: ActivationQueue;
  workspaceRoots: readonly string[];
};

export type StartRequest = {
  tenantId: string;
  prompt: string;
  options: SessionOptions;
  cwd: string | null;
  title: string | null;
  metadata: Record<string, string> | null;
};

/** Accepts a new session with its first turn: when this resolves both are durable and a worker will run them. */
export async function startSession(services: SessionServices, request: StartRequest): Promise<string> {
  const cwd = request.cwd === null ? null : await resolveWorkspace(request.cwd, services.workspaceRoots);
  const { tenantId, options, title } = request;
  const id = newSessionId();
  await commit(services, async (trx) => {
    const priority = -(await countActiveSessions(trx, tenantId));
    await insertSession(trx, { id, tenantId, options, cwd, title, metadata: request.metadata ?? {} });
    const session = { id, tenant_id: tenantId, turn_count: 0 };
    const events = await queueTurn(trx, session, { id: newTurnId(), prompt: request.prompt });
    await services.queue.send(trx, { sessionId: id, priority });
    return { events, signals: [{ type: 'work' }], value: undefined };
  });
  return id;
}

/**
 * Gives an ended session another turn. Options that the request names replace the session's; the others stay, and so
 * does the workspace.
 */
export async function resumeSession(
  services: SessionServices,
  request: StartRequest & { sessionId: string },
): Promise<void> {
  const key = { tenantId: request.tenantId, id: request.sessionId };
  const cwd = request.cwd === null ? null : await resolveWorkspace(request.cwd, services.workspaceRoots);
  await commit(services, async (trx) => {
    const session = await lockSession(trx, key);
    if (session === undefined) throw new AppError('session_not_resumable', `Session ${key.id} not found.`);
    if (isActive(session.status)) {
      throw new AppError('session_running', `Session ${key.id} is currently ${session.status}`, {
        hint: 'wait until it has ended, or cancel it',
      });
    }
    if (cwd !== null && cwd !== session.cwd) throw changedWorkspace(session);
    const priority = -(await countActiveSessions(trx, key.tenantId));
    await updateSettings(trx, session, request);
    const events = await queueTurn(trx, session, { id: newTurnId(), prompt: request.prompt });
    const isQueued = await services.queue.send(trx, { sessionId: key.id, priority });
    const signal: Signal = isQueued ? { type: 'work' } : { type: 'input', sessionId: key.id };
    return { events, signals: [signal], value: undefined };
  });
}

async function updateSettings(
  trx: Transaction<Database>,
  session: SessionRow,
  request: StartRequest,
): Promise<void> {
  await trx
    .updateTable('sessions')
    .set({
      options: JSON.stringify({ ...session.options, ...request.options }),
      ...(request.title === null ? {} : { title: request.title }),
      ...(request.metadata === null ? {} : { metadata: JSON.stringify(request.metadata) }),
    })
    .where('id', '=', session.id)
    .execute();
}

function changedWorkspace(session: SessionRow): AppError {
  const message = `a session keeps its working directory (${session.cwd ?? 'a workspace of its own'})`;
  return new AppError('invalid_request', message, {
    hint: 'leave cwd out when resuming, or start a new session',
    errors: [{ field: 'cwd', message }],
  });
}

/** The key of the session that a path names; what is no UUID names none. */
export function sessionKey(id: string): SessionKey {
  if (!isUuid(id)) throwNotFound(id);
  return { tenantId: DEFAULT_TENANT, id: id.toLowerCase() };
}

export async function getSessionOrThrow(db: Kysely<Database>, key: SessionKey): Promise<SessionRow> {
  return (await findSession(db, key)) ?? throwNotFound(key.id);
}

/** Ends what waits or runs in the session. The cancellation is a fact when this resolves; the agent stops within 2 s. */
export async function cancelSession(services: SessionServices, key: SessionKey): Promise<void> {
  await commit(services, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    if (!isActive(session.status)) {
      throw new AppError(
        'session_not_running',
        `Session ${key.id} is not running (status: ${session.status})`,
      );
    }
    const { events, runningTurnId } = await cancelTurns(trx, session);
    if (runningTurnId === null) {
      await services.queue.withdraw(trx, key.id);
      return { events, signals: [], value: undefined };
    }
    return {
      events,
      signals: [{ type: 'cancel', sessionId: key.id, turnId: runningTurnId }],
      value: undefined,
    };
  });
}

/** Deletes an ended session with all that belongs to it. @returns its last status */
export async function removeSession(services: SessionServices, key: SessionKey): Promise<SessionStatus> {
  return await commit(services, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    if (isActive(session.status)) {
      throw new AppError('session_running', `Session ${key.id} is ${session.status} and cannot be deleted`, {
        hint: `cancel it first: POST /cancel/${key.id}`,
      });
    }
    await deleteSession(trx, key);
    return { events: [], signals: [{ type: 'deleted', sessionId: key.id }], value: session.status };
  });
}

/** Deletes sessions that ended longer ago; of one tenant, or (null) of all. @returns how many */
export async function cleanUpSessions(
  services: Pick<SessionServices, 'db' | 'bus'>,
  filter: { tenantId: string | null; olderThanMs: number },
): Promise<number> {
  return await commit(services, async (trx) => {
    const ids = await deleteEndedSessions(trx, filter);
    return {
      events: [],
      signals: ids.map((sessionId) => ({ type: 'deleted', sessionId })),
      value: ids.length,
    };
  });
}

type Committed<T> = { events: StoredEvent[]; signals: Signal[]; value: T };

/** Runs a change in one transaction and tells the nodes about it after the commit. */
async function commit<T>(
  services: Pick<SessionServices, 'db' | 'bus'>,
  change: (trx: Transaction<Database>) => Promise<Committed<T>>,
): Promise<T> {
  const { events, signals, value } = await services.db.transaction().execute(change);
  services.bus.publishEvents(events);
  services.bus.publish(signals);
  return value;
}

function throwNotFound(id: string): never {
  throw new AppError('not_found', `Session ${id} not found`);
}

/** Newest first. `next` is the cursor of the page after this one, null on the last. */
export async function listSessionPage(
  db: Kysely<Database>,
  page: SessionPage,
): Promise<{ sessions: SessionRow[]; next: string | null }> {
  const rows = await listSessions(db, { ...page, limit: page.limit + 1 });
  const sessions = rows.slice(0, page.limit);
  return { sessions, next: rows.length > page.limit ? (sessions.at(-1)?.id ?? null) : null };
}

export type SessionDetail = { session: SessionRow; turns: TurnRow[]; queue: QueuePlace | null };

export async function getSessionDetail(services: SessionServices, key: SessionKey): Promise<SessionDetail> {
  const session = await getSessionOrThrow(services.db, key);
  const turns = await listTurns(services.db, session.id);
  return {
    session,
    turns,
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
  return { position, reason: 'starting', message: 'A worker is about to take it.' };
}
