import { z } from 'zod';
import { asList } from '../../ground/http/query-list.ts';
import { sessionStatus } from '../session.ts';
import { sessionState } from './summary.ts';

/** Each as it is: values may have commas in them. */
const asMany = (value: unknown): unknown => (value === undefined ? undefined : [value].flat());
const asNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;

export const archivedFilter = z.enum(['false', 'true', 'any']);

const MAX_LABELS = 10;
const LABEL = /^((?:\\.|[^\\:])*):(.*)$/s;

const filterFields = {
  status: z
    .preprocess(asList, z.array(sessionStatus).min(1).optional())
    .describe('Only these, separated by commas.'),
  archived: archivedFilter.default('false').describe('Whether archived sessions are in it, or only those.'),
  pinned: z.enum(['true']).optional().describe('Only what whoever asks has pinned.'),
  label: z
    .preprocess(
      asMany,
      z
        .array(
          z
            .string()
            .max(1_200)
            .refine((text) => LABEL.test(text), 'must be key:value'),
        )
        .max(MAX_LABELS)
        .optional(),
    )
    .describe('`key:value` of the metadata; repeated, all must hold. In the key `\\:` is a colon.'),
  q: z
    .string()
    .trim()
    .max(200)
    .optional()
    .describe("Part of the title or of the first prompt's beginning, or the beginning of the id."),
  model: z.string().max(200).optional(),
};

export const countsQuery = z.strictObject(filterFields);

export const summariesQuery = z.strictObject({
  ...filterFields,
  state: z
    .preprocess(asList, z.array(sessionState).min(1).optional())
    .describe('Only these, separated by commas.'),
  limit: z.preprocess(asNumber, z.int().min(1).max(200)).default(50).describe('Of a page.'),
  cursor: z.uuid().optional().describe('`next` of the page before.'),
});

export type SummaryFilter = {
  statuses: readonly z.infer<typeof sessionStatus>[] | null;
  isArchived: boolean | null;
  isPinned: boolean;
  labels: readonly Label[];
  text: string | null;
  model: string | null;
};
export type Label = { key: string; value: string };

export const EVERYTHING: SummaryFilter = {
  statuses: null,
  isArchived: null,
  isPinned: false,
  labels: [],
  text: null,
  model: null,
};

export function toFilter(query: z.infer<typeof countsQuery>): SummaryFilter {
  return {
    statuses: query.status ?? null,
    isArchived: toArchived(query.archived),
    isPinned: query.pinned === 'true',
    labels: (query.label ?? []).map(parseLabel),
    text: query.q || null,
    model: query.model ?? null,
  };
}

export function toArchived(archived: z.infer<typeof archivedFilter>): boolean | null {
  return archived === 'any' ? null : archived === 'true';
}

/** Up to the first colon that has no backslash before it is the key. */
export function parseLabel(text: string): Label {
  const [, key = '', value = ''] = LABEL.exec(text) ?? [];
  return { key: key.replace(/\\(.)/gs, '$1'), value };
}
