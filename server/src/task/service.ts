import { AppError } from '../errors.ts';
import { listSystemMessages } from '../event/store.ts';
import { getSessionOrThrow, type SessionServices } from '../session/service.ts';
import type { SessionKey } from '../session/store.ts';
import { findRunningId } from '../turn/store.ts';
import { readTasks, type TaskView } from './task.ts';

const MAX_TASKS = 200;

/** The newest, oldest first; those that the agent told of in its newest 10,000 messages. */
export async function listTasks(services: SessionServices, key: SessionKey): Promise<TaskView[]> {
  const session = await getSessionOrThrow(services.db, key);
  const subtypes = ['task_started', 'task_notification'];
  const said = await listSystemMessages(services.db, session.id, subtypes);
  const turn = await findRunningId(services.db, session.id);
  const running = { hasAgent: session.worker_id !== null, turnId: turn?.id ?? null };
  return readTasks(said, running).slice(-MAX_TASKS);
}

/** Asks the session's agent to stop a task. It says so with a `task_notification` in the event stream. */
export async function stopTask(
  services: SessionServices,
  key: SessionKey,
  taskId: string,
): Promise<TaskView> {
  const task = (await listTasks(services, key)).find((found) => found.task_id === taskId);
  if (task === undefined) throw new AppError('not_found', `Session ${key.id} has no task ${taskId}`);
  if (task.status === 'running') services.bus.publish([{ type: 'stop_task', sessionId: key.id, taskId }]);
  return task;
}
