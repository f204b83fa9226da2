import { z } from 'zod';
import type { SessionOptions } from './options/fields.ts';
import { text } from './options/text-fields.ts';

export type { SessionOptions };

export const sessionStatus = z.enum(['pending', 'running', 'completed', 'error', 'cancelled']);
export type SessionStatus = z.infer<typeof sessionStatus>;

export const waitingFor = z
  .enum(['approval', 'question', 'tool', 'tasks'])
  .describe('`tool`: a call of a client tool. `tasks`: the subagents that the agent has in the background.');
export type WaitingFor = z.infer<typeof waitingFor>;

/** What an approval allowed for the rest of the session: a permission rule, or exactly this call. */
const granted = {
  approval_id: z.string().optional(),
  decided_by: z.string().optional(),
  granted_at: z.iso.datetime().optional(),
};
export const grant = z.union([
  z.object({ rule: z.string(), ...granted }),
  z.object({
    tool: z.string(),
    /** Of the call (`hashCall`). One that was granted before this was kept has its whole input. */
    call: z.string().optional(),
    /** To be shown. */
    input: z.record(z.string(), z.unknown()).optional(),
    ...granted,
  }),
]);
export type Grant = z.infer<typeof grant>;

/** What a session has beside the options of its agent. */
export const labelFields = {
  title: text.trim().max(200).describe('A name for people.'),
  metadata: z
    .record(text.max(64), text.max(512))
    .refine((given) => Object.keys(given).length <= 50, 'must not have more than 50 entries')
    .describe('Strings of your own, kept with the session.'),
  max_budget_usd: z.number().positive().max(1_000_000).describe('What all turns together may cost.'),
};

/** A session's options as they are shown. They were checked when they came in; another version may have other rules. */
export const sessionOptions = z
  .record(z.string(), z.unknown())
  .describe('The options that were given; those of ExecuteRequest.');

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

/** The path parameters of a session's routes. */
export const sessionParams = z.object({ session_id: z.string() });
