import { z } from 'zod';
import { sessionStatus, waitingFor } from '../session/session.ts';

/** How a session stands, in short: what a list of sessions shows. */
export const sessionSummary = z
  .object({
    session_id: z.string(),
    status: sessionStatus,
    waiting_for: waitingFor.nullable(),
    title: z.string().nullable(),
    error: z.string().nullable(),
    cost_usd: z.number(),
    turn_count: z.number().int(),
    message_count: z.number().int(),
    last_seq: z.number().int(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'SessionSummary' });
export type SessionSummary = z.infer<typeof sessionSummary>;
