import { z } from 'zod';
import type { TaskRow } from './store.ts';

/** A command or subagent that goes on in the background of its session, or a subagent that its turn waits for. */
export const taskView = z
  .object({
    task_id: z.string(),
    status: z.enum(['running', 'completed', 'failed', 'stopped']),
    description: z.string().describe('1,000 characters at most.'),
    background: z.boolean().describe('Whether it goes on beside its turn; else the turn waits for it.'),
    subagent_type: z.string().nullable().describe('Of a subagent; null is a command.'),
    summary: z.string().nullable().describe('What came of it: 4,000 characters at most.'),
    tool_use_id: z.string().nullable().describe('The call that began it.'),
    started_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Task' });
export type TaskView = z.infer<typeof taskView>;

/** What is running in the session. */
export type Running = { hasAgent: boolean; turnId: string | null };

/**
 * Tasks live in the agent process, and those in the foreground (subagents) in their turn: without it one whose end
 * nobody told was stopped.
 */
export function toTaskView(task: TaskRow, running: Running): TaskView {
  const mayRun = task.is_background || (task.turn_id !== null && task.turn_id === running.turnId);
  return {
    task_id: task.task_id,
    status: task.status ?? (running.hasAgent && mayRun ? 'running' : 'stopped'),
    description: task.description,
    background: task.is_background,
    subagent_type: task.subagent_type,
    summary: task.summary,
    tool_use_id: task.tool_use_id,
    started_at: task.started_at.toISOString(),
    ended_at: task.ended_at?.toISOString() ?? null,
  };
}
