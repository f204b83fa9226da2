import { z } from 'zod';

export const sessionStatus = z.enum(['pending', 'running', 'completed', 'error', 'cancelled']);
export type SessionStatus = z.infer<typeof sessionStatus>;

export const waitingFor = z.enum(['approval', 'question', 'tool']);
export type WaitingFor = z.infer<typeof waitingFor>;

export const permissionMode = z.enum(['default', 'acceptEdits', 'plan', 'bypassPermissions']);

/** What an approval allowed for the rest of the session: a permission rule, or exactly this call. */
export const grant = z.union([
  z.object({ rule: z.string() }),
  z.object({ tool: z.string(), input: z.record(z.string(), z.unknown()) }),
]);
export type Grant = z.infer<typeof grant>;

/** What a session's agent runs with; kept with the session, so that a resume has the same. */
export const sessionOptions = z.object({
  allowed_tools: z.array(z.string()).optional(),
  disallowed_tools: z.array(z.string()).optional(),
  system_prompt: z.string().optional(),
  permission_mode: permissionMode.optional(),
  model: z.string().optional(),
  max_turns: z.number().int().min(1).max(100).optional(),
  env: z.record(z.string(), z.string()).optional(),
});
export type SessionOptions = z.infer<typeof sessionOptions>;

/** Where a pending session stands, and what it waits for. */
export const queuePlace = z.object({
  position: z.number().int().describe('1 is next.'),
  reason: z.enum(['all_slots_in_use', 'no_worker', 'starting']),
  message: z.string(),
});
export type QueuePlace = z.infer<typeof queuePlace>;

/** A session is active while it has a turn that waits or runs. */
export function isActive(status: SessionStatus): boolean {
  return status === 'pending' || status === 'running';
}
