import { z } from 'zod';
import { activity } from '../event/activity.ts';
import { sessionStatus, waitingFor } from '../session.ts';

/** How a session stands to whoever asks. A session that waits for a person needs one, whoever that is. */
export const sessionState = z.enum(['working', 'needs_you', 'unread', 'idle']);
export type SessionState = z.infer<typeof sessionState>;

/** How a session stands, in short: what a list of sessions shows. */
export const sessionSummary = z
  .object({
    session_id: z.string(),
    state: sessionState.describe(
      '`needs_you`: waits for an approval or an answer. `working`: waits for a worker or runs. `unread`: has ended with ' +
        'something that whoever asks has not read. `idle`: has ended.',
    ),
    status: sessionStatus,
    waiting_for: waitingFor.nullable(),
    pending_approvals: z.number().int(),
    activity: activity.nullable().describe('What the agent began last, while a turn runs.'),
    title: z.string().nullable(),
    prompt: z
      .string()
      .nullable()
      .describe('The beginning of the first one: one line of 200 characters at most.'),
    model: z.string().nullable().describe('As the options name it; without that, which answered last.'),
    permission_mode: z.string(),
    metadata: z
      .record(z.string(), z.string())
      .describe('The first 2,000 characters; a session has them all.'),
    metadata_omitted: z.number().int().describe('Entries that found no room.'),
    archived: z.boolean(),
    pinned: z.boolean().describe('By whoever asks.'),
    read_seq: z.number().int().describe('How far whoever asks has read.'),
    marked_at: z.iso.datetime().nullable().describe('When they noted that, or anything else, last.'),
    error: z.string().nullable(),
    cost_usd: z.number(),
    tokens: z
      .object({ input: z.number(), output: z.number(), total: z.number() })
      .describe('`input` counts what was cached as well.'),
    turn_count: z.number().int(),
    message_count: z.number().int(),
    last_seq: z.number().int(),
    parent_id: z.string().nullable(),
    api_key_id: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'SessionSummary' });
export type SessionSummary = z.infer<typeof sessionSummary>;
