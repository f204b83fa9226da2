import { z } from 'zod';

/** A command or subagent that goes on in the background of its session, or a subagent that its turn waits for. */
export const taskView = z
  .object({
    task_id: z.string(),
    status: z.enum(['running', 'completed', 'failed', 'stopped']),
    description: z.string(),
    background: z.boolean().describe('Whether it goes on beside its turn; else the turn waits for it.'),
    subagent_type: z.string().nullable().describe('Of a subagent; null is a command.'),
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
  task_type: z.string().optional(),
  subagent_type: z.string().optional(),
});
const ended = z.looseObject({
  subtype: z.literal('task_notification'),
  task_id: z.string(),
  status: z.enum(['completed', 'failed', 'stopped']),
  summary: z.string(),
});

/** What is running in the session. */
export type Running = { hasAgent: boolean; turnId: string | null };

/**
 * Tasks by what the agent said of them, oldest first. They live in the agent process, and those in the foreground
 * (subagents) in their turn: without it none is running.
 */
export function readTasks(
  said: readonly { data: unknown; turnId: string | null; at: Date }[],
  running: Running,
): TaskView[] {
  const tasks = new Map<string, TaskView>();
  for (const { data, turnId, at } of said) {
    const begun = started.safeParse(data).data;
    const background = begun?.is_backgrounded === true;
    if (begun !== undefined && (background || begun.task_type === 'local_agent')) {
      const isRunning = running.hasAgent && (background || (turnId !== null && turnId === running.turnId));
      tasks.set(begun.task_id, {
        task_id: begun.task_id,
        status: isRunning ? 'running' : 'stopped',
        description: begun.description,
        background,
        subagent_type: begun.subagent_type ?? null,
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
