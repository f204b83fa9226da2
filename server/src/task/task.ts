import { z } from 'zod';

/** A command or subagent that goes on in the background of its session. */
export const taskView = z
  .object({
    task_id: z.string(),
    status: z.enum(['running', 'completed', 'failed', 'stopped']),
    description: z.string(),
    summary: z.string().nullable().describe('What came of it.'),
    tool_use_id: z.string().nullable().describe('The call that began it.'),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Task' });
export type TaskView = z.infer<typeof taskView>;

const started = z.looseObject({
  subtype: z.literal('task_started'),
  task_id: z.string(),
  description: z.string(),
  tool_use_id: z.string().optional(),
  is_backgrounded: z.boolean().optional(),
});
const ended = z.looseObject({
  subtype: z.literal('task_notification'),
  task_id: z.string(),
  status: z.enum(['completed', 'failed', 'stopped']),
  summary: z.string(),
});

/**
 * Background tasks by what the agent said of them, oldest first. They live in the agent process: without one
 * (`isActive` false) none is running.
 */
export function readTasks(said: readonly { data: unknown; at: Date }[], isActive: boolean): TaskView[] {
  const tasks = new Map<string, TaskView>();
  for (const { data, at } of said) {
    const begun = started.safeParse(data).data;
    if (begun?.is_backgrounded === true) {
      tasks.set(begun.task_id, {
        task_id: begun.task_id,
        status: isActive ? 'running' : 'stopped',
        description: begun.description,
        summary: null,
        tool_use_id: begun.tool_use_id ?? null,
        started_at: at.toISOString(),
        ended_at: null,
      });
    }
    const over = ended.safeParse(data).data;
    const task = over === undefined ? undefined : tasks.get(over.task_id);
    if (over === undefined || task === undefined) continue;
    tasks.set(over.task_id, {
      ...task,
      status: over.status,
      summary: over.summary,
      ended_at: at.toISOString(),
    });
  }
  return [...tasks.values()];
}
