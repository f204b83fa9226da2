import { type Kysely, type RawBuilder, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { TaskBegin, TaskEnd, TaskNews } from './news.ts';
import type { TaskTable } from './table.ts';

export type TaskRow = Selectable<TaskTable>;

/** What an event tells; `n` is its number in `placed`. */
export type NumberedNews = { sessionId: string; n: number; news: TaskNews };

/** What a task comes to by several events: where it began, if that is among them, and where it ended. */
type Change = {
  taskId: string;
  begin: (TaskBegin & { n: number }) | null;
  end: (TaskEnd & { n: number }) | null;
};

/** One for each task, since a statement changes a row once. */
function toChanges(all: readonly NumberedNews[]): Change[] {
  const changes = new Map<string, Change>();
  for (const { sessionId, n, news } of all) {
    const key = `${sessionId} ${news.taskId}`;
    const { taskId } = news;
    if ('begin' in news) changes.set(key, { taskId, begin: { ...news.begin, n }, end: null });
    else changes.set(key, { taskId, begin: changes.get(key)?.begin ?? null, end: { ...news.end, n } });
  }
  return [...changes.values()];
}

/**
 * Parts of a `with` that note what events tell of tasks, in the statement that stores the events. `placed` is the part
 * of it that has them, numbered: `session_id`, `tenant_id`, `seq`, `turn_id`, `at`, `n`. Of a task that nobody saw begin
 * nothing is noted.
 */
export function noteTasks(all: readonly NumberedNews[]): RawBuilder<unknown> {
  const changes = toChanges(all);
  if (changes.length === 0) return sql``;
  return sql`, task_changes as (
      select * from unnest(
        ${changes.map(({ taskId }) => taskId)}::text[],
        ${changes.map(({ begin }) => begin?.n ?? null)}::bigint[],
        ${changes.map(({ begin }) => begin?.description ?? null)}::text[],
        ${changes.map(({ begin }) => begin?.isBackground ?? null)}::boolean[],
        ${changes.map(({ begin }) => begin?.subagentType ?? null)}::text[],
        ${changes.map(({ begin }) => begin?.toolUseId ?? null)}::text[],
        ${changes.map(({ end }) => end?.n ?? null)}::bigint[],
        ${changes.map(({ end }) => end?.status ?? null)}::text[],
        ${changes.map(({ end }) => end?.summary ?? null)}::text[]
      ) as changes (task_id, begin_n, description, is_background, subagent_type, tool_use_id, end_n, status, summary)
    ), tasks_begun as (
      insert into tasks (session_id, task_id, tenant_id, seq, turn_id, description, is_background, subagent_type,
        tool_use_id, started_at, status, summary, ended_seq, ended_at)
      select begun.session_id, task_id, begun.tenant_id, begun.seq, begun.turn_id, description, is_background,
        subagent_type, tool_use_id, begun.at, status, summary, over.seq, over.at
      from task_changes join placed begun on begun.n = begin_n left join placed over on over.n = end_n
      on conflict (session_id, task_id) do update set
        seq = excluded.seq, turn_id = excluded.turn_id, description = excluded.description,
        is_background = excluded.is_background, subagent_type = excluded.subagent_type,
        tool_use_id = excluded.tool_use_id, started_at = excluded.started_at, status = excluded.status,
        summary = excluded.summary, ended_seq = excluded.ended_seq, ended_at = excluded.ended_at
    ), tasks_ended as (
      update tasks set
        status = task_changes.status, summary = task_changes.summary, ended_seq = over.seq, ended_at = over.at
      from task_changes join placed over on over.n = end_n
      where begin_n is null and tasks.session_id = over.session_id and tasks.task_id = task_changes.task_id
    )`;
}

/** Notes what stored events tell, of a session whose row is locked; from now on that is done as they come. */
export async function noteStored(
  trx: Transaction<Database>,
  sessionId: string,
  told: readonly { seq: number; news: TaskNews }[],
): Promise<void> {
  await sql`
    with placed as (
      select session_id, tenant_id, turn_id, seq, at, seq as n from events
      where session_id = ${sessionId} and seq = any(${told.map(({ seq }) => seq)}::bigint[])
    )${noteTasks(told.map(({ seq, news }) => ({ sessionId, n: seq, news })))}
    update sessions set are_tasks_noted = true where id = ${sessionId}
  `.execute(trx);
}

/** Whether a subagent that the turn began in the background has yet to end, as far as anybody told. */
export async function hasOpenAgents(
  db: Kysely<Database>,
  turn: { id: string; session_id: string },
): Promise<boolean> {
  const open = await db
    .selectFrom('tasks')
    .select('task_id')
    .where('session_id', '=', turn.session_id)
    .where('turn_id', '=', turn.id)
    .where('is_background', '=', true)
    .where('subagent_type', 'is not', null)
    .where('status', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return open !== undefined;
}

export type TaskPage = { sessionId: string; before: number | null; limit: number };

/** Those that began last, newest first. */
export async function listTaskRows(
  db: Kysely<Database>,
  { sessionId, before, limit }: TaskPage,
): Promise<TaskRow[]> {
  let query = db.selectFrom('tasks').selectAll().where('session_id', '=', sessionId);
  if (before !== null) query = query.where('seq', '<', before);
  return await query.orderBy('seq', 'desc').limit(limit).execute();
}

export async function findTask(
  db: Kysely<Database>,
  { sessionId, taskId }: { sessionId: string; taskId: string },
): Promise<TaskRow | undefined> {
  return await db
    .selectFrom('tasks')
    .selectAll()
    .where('session_id', '=', sessionId)
    .where('task_id', '=', taskId)
    .executeTakeFirst();
}
