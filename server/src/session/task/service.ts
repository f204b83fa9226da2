import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { AppError } from '../../ground/errors.ts';
import { toPage } from '../../ground/util/page.ts';
import { listSystemMessages } from '../event/store.ts';
import { getSessionOrThrow, type SessionServices } from '../service.ts';
import { lockSession, type SessionKey, type SessionRow } from '../store.ts';
import { findRunningId } from '../turn/store.ts';
import { taskNewsOf, taskSubtypes } from './news.ts';
import { findTask, listTaskRows, noteStored } from './store.ts';
import { type Running, type TaskView, toTaskView } from './task.ts';

/** A page, oldest first; the page of those before it begins at `next`. */
export async function listTasks(
  services: SessionServices,
  key: SessionKey,
  page: { before: number | null; limit: number },
): Promise<{ tasks: TaskView[]; next: string | null }> {
  const session = await getNoted(services.db, key);
  const running = await findRunning(services.db, session);
  const rows = await listTaskRows(services.db, { ...page, sessionId: session.id, limit: page.limit + 1 });
  const { items, next } = toPage(rows, {
    limit: page.limit,
    show: (row) => toTaskView(row, running),
    cursorOf: ({ seq }) => String(seq),
  });
  return { tasks: items.toReversed(), next };
}

/** Asks the session's agent to stop a task. It says so with a `task_notification` in the event stream. */
export async function stopTask(
  services: SessionServices,
  key: SessionKey,
  taskId: string,
): Promise<TaskView> {
  const session = await getNoted(services.db, key);
  const row = await findTask(services.db, { sessionId: session.id, taskId });
  if (row === undefined) throw new AppError('not_found', `Session ${key.id} has no task ${taskId}`);
  const task = toTaskView(row, await findRunning(services.db, session));
  if (task.status === 'running') services.bus.publish([{ type: 'stop_task', sessionId: key.id, taskId }]);
  return task;
}

async function findRunning(db: Kysely<Database>, session: SessionRow): Promise<Running> {
  const turn = await findRunningId(db, session.id);
  return { hasAgent: session.worker_id !== null, turnId: turn?.id ?? null };
}

/** The session, once its tasks are noted: those of a session that is older than the notes, this once, from its log. */
async function getNoted(db: Kysely<Database>, key: SessionKey): Promise<SessionRow> {
  const session = await getSessionOrThrow(db, key);
  if (session.are_tasks_noted) return session;
  await inTransaction(db, async (trx) => {
    const locked = await lockSession(trx, key);
    if (locked === undefined || locked.are_tasks_noted) return;
    const said = await listSystemMessages(trx, key.id, taskSubtypes);
    const told = said.flatMap(({ seq, data }) => {
      const news = taskNewsOf({ kind: 'sdk', data });
      return news === null ? [] : [{ seq, news }];
    });
    await noteStored(trx, key.id, told);
  });
  return session;
}
