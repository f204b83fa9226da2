import { z } from 'zod';

/** `PATCH /sessions/{session_id}/marks` */
export const marksRequest = z
  .strictObject({
    read_seq: z
      .int()
      .min(0)
      .optional()
      .describe('Everything up to this `seq` has been read. A smaller one than before changes nothing.'),
    unread: z.literal(true).optional().describe('Forgets what has been read, so that it is unread again.'),
    pinned: z.boolean().optional(),
  })
  .refine(({ read_seq, unread }) => read_seq === undefined || unread === undefined, {
    error: 'must not be given together with read_seq',
    path: ['unread'],
  })
  .meta({ id: 'MarksRequest', examples: [{ read_seq: 12 }, { pinned: true }] });
export type MarksRequest = z.infer<typeof marksRequest>;

export const marksView = z
  .object({
    session_id: z.string(),
    read_seq: z.number().int(),
    pinned: z.boolean(),
    marked_at: z.iso.datetime().describe('As summaries have it from now on.'),
  })
  .meta({ id: 'SessionMarks' });

export const allRead = z
  .object({
    marked: z.number().int().describe('How many sessions were unread.'),
    marked_at: z.iso.datetime().describe('As summaries have it from now on.'),
  })
  .meta({ id: 'AllRead' });

export const sessionCounts = z
  .object({
    working: z.number().int(),
    needs_you: z.number().int(),
    unread: z.number().int(),
    idle: z.number().int(),
    pinned: z.number().int(),
    archived: z.number().int().describe('Whatever `archived` asks for.'),
    total: z.number().int(),
    is_capped: z.boolean().describe('There may be more: at most 10,000 sessions are looked at for each.'),
  })
  .meta({ id: 'SessionCounts' });
export type SessionCounts = z.infer<typeof sessionCounts>;
