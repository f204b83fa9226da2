import { z } from 'zod';

export type TaskBegin = {
  description: string;
  isBackground: boolean;
  subagentType: string | null;
  toolUseId: string | null;
};
export type TaskEnd = { status: 'completed' | 'failed' | 'stopped'; summary: string };

/** What a message of the agent tells of a task. */
export type TaskNews = { taskId: string } & ({ begin: TaskBegin } | { end: TaskEnd });

// Of an agent's texts that are shown in a list: a message may have any number of characters. PostgreSQL takes no NUL.
const text = (max: number) =>
  z.string().transform((value) => value.slice(0, max).toWellFormed().replaceAll('\u0000', '\ufffd'));
// Names that are cut off name something else.
const name = z
  .string()
  .max(200)
  .regex(/^\P{Cc}+$/u);

const begun = z
  .looseObject({
    type: z.literal('system'),
    subtype: z.literal('task_started'),
    task_id: name,
    description: text(1_000),
    tool_use_id: name.optional(),
    is_backgrounded: z.boolean().optional(),
    task_type: z.string().optional(),
    subagent_type: name.optional(),
  })
  // Commands that their turn waits for are calls like any other.
  .refine(({ is_backgrounded, task_type }) => is_backgrounded === true || task_type === 'local_agent');
const ended = z.looseObject({
  type: z.literal('system'),
  subtype: z.literal('task_notification'),
  task_id: name,
  status: z.enum(['completed', 'failed', 'stopped']),
  summary: text(4_000),
});

/** Of messages, those that may tell something. */
export const taskSubtypes = ['task_started', 'task_notification'] as const;

/** Never throws: what agents say is lenient. */
export function taskNewsOf({ kind, data }: { kind: string; data: unknown }): TaskNews | null {
  if (kind !== 'sdk' || (data as { type?: unknown }).type !== 'system') return null;
  const task = begun.safeParse(data).data;
  if (task !== undefined) {
    const begin = {
      description: task.description,
      isBackground: task.is_backgrounded ?? false,
      subagentType: task.subagent_type ?? null,
      toolUseId: task.tool_use_id ?? null,
    };
    return { taskId: task.task_id, begin };
  }
  const over = ended.safeParse(data).data;
  if (over === undefined) return null;
  return { taskId: over.task_id, end: { status: over.status, summary: over.summary } };
}
