import type { CallOptions, Http, Query } from './http.ts';
import type { SessionCounts, SessionState, SessionStatus, SessionSummary } from './types.ts';

export type CountFilter = {
  status?: SessionStatus | readonly SessionStatus[] | undefined;
  /** Archived sessions, the others (without it), or `'any'`. */
  archived?: boolean | 'any' | undefined;
  /** Only what the holder of this key has pinned. */
  pinned?: boolean | undefined;
  /** What the metadata must have. */
  labels?: Readonly<Record<string, string>> | undefined;
  /** Part of the title or of the first prompt's beginning, or the beginning of the id. */
  q?: string | undefined;
  model?: string | undefined;
};

export type SummaryFilter = CountFilter & {
  state?: SessionState | readonly SessionState[] | undefined;
  /** `next` of the page before. */
  cursor?: string | undefined;
  /** At most so many on a page (50). */
  limit?: number | undefined;
};

export type SummaryPage = { summaries: SessionSummary[]; next: string | null };

export async function readSummaryPage(
  http: Http,
  { state, cursor, limit, ...filter }: SummaryFilter,
  options: CallOptions,
): Promise<SummaryPage> {
  const query = { ...toQuery(filter), state, cursor, limit };
  return await http.json('GET', '/sessions/summaries', { query, ...options });
}

export async function readCounts(
  http: Http,
  filter: CountFilter,
  options: CallOptions,
): Promise<SessionCounts> {
  return await http.json('GET', '/sessions/counts', { query: toQuery(filter), ...options });
}

function toQuery({ status, archived, pinned, labels = {}, q, model }: CountFilter): Query {
  const label = Object.entries(labels).map(([key, value]) => `${key.replace(/[\\:]/g, '\\$&')}:${value}`);
  return { status, archived, pinned: pinned || undefined, label: { repeat: label }, q, model };
}
