import { z } from 'zod';
import { tenantName } from '../api-key/api-key.ts';

/** What usage can be grouped by. Days are UTC's. */
export const usageGroup = z.enum(['day', 'model', 'api_key', 'tenant', 'session', 'turn']);
export type UsageGroup = z.infer<typeof usageGroup>;

const name = z.string().regex(/^[\x20-\x7e]{1,200}$/, 'must be printable ASCII, at most 200 characters');
const instant = z.union([z.iso.date(), z.iso.datetime({ offset: true })]).transform((text) => new Date(text));

export const usageQuery = z
  .strictObject({
    group_by: z
      .string()
      .default('day')
      .transform((text) => text.split(','))
      .pipe(z.array(usageGroup).min(1).max(3))
      .refine((groups) => new Set(groups).size === groups.length, 'names something twice')
      .describe(
        'One to three of day, model, api_key, tenant, session, turn, separated by commas. `turn` needs `session_id` or `from`.',
      ),
    from: instant
      .optional()
      .describe('Requests that began at this time or later; a date is its begin in UTC.'),
    to: instant.optional().describe('Requests that began before this time.'),
    tenant: z
      .union([z.literal('*'), tenantName])
      .optional()
      .describe('Another one than the own, or `*` for all: for operators.'),
    session_id: z.uuid().optional(),
    api_key_id: name.optional(),
    model: name.optional(),
    limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  })
  // Of turns there are no sums: each is read from the ledger.
  .refine(
    ({ group_by, session_id, from }) => !group_by.includes('turn') || (session_id ?? from) !== undefined,
    {
      error: 'turn needs session_id, or from: the time to begin at',
      path: ['group_by'],
    },
  );
export type UsageQuery = z.output<typeof usageQuery>;

const figures = {
  requests: z.number().int(),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cache_read_tokens: z.number().int(),
  cache_write_tokens: z.number().int(),
  web_searches: z.number().int(),
  cost_usd: z.number(),
};

export const usageReport = z
  .object({
    groups: z.array(
      z.object({
        key: z
          .partialRecord(usageGroup, z.string().nullable())
          .describe('One entry for each of `group_by`: a date, a name or an id. null is none of that.'),
        ...figures,
      }),
    ),
    total: z.object(figures).describe('Over everything, also what `limit` leaves out.'),
    is_truncated: z.boolean().describe('There are more groups than `limit`.'),
    ledger_start: z.iso
      .date()
      .nullable()
      .describe(
        'Of days before this one there are only sums by session, model and API key: no turns and no times of day. null: of none.',
      ),
  })
  .meta({ id: 'UsageReport' });
export type UsageReport = z.infer<typeof usageReport>;
