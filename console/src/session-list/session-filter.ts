import type { SessionSummary, SummaryFilter } from '@greenroom/client';
import { parseLabel } from './label.ts';
import type { SessionListSearch } from './search.ts';

/*
 * Which sessions are wanted, by the rules of the server: what the stream tells is held against them here, what is older
 * is asked for there.
 */

/** All states of what is looked for: what the counts of the tabs are of. */
export function toCountFilter({ q, label }: SessionListSearch): Pick<SummaryFilter, 'q' | 'labels'> {
  const text = q?.trim() ?? '';
  const wanted = label === undefined ? null : parseLabel(label);
  return {
    ...(text !== '' && { q: text }),
    ...(wanted !== null && { labels: { [wanted.key]: wanted.value } }),
  };
}

export function toSummaryFilter(search: SessionListSearch): SummaryFilter {
  const { state, pinned, archived = false } = search;
  return { ...toCountFilter(search), state, pinned, archived };
}

/** Null: its labels are not all known here, so that only the server can tell. */
export function matches(summary: SessionSummary, search: SessionListSearch): boolean | null {
  const { state, q, label, pinned = false, archived = false } = search;
  if (summary.archived !== archived) return false;
  if (pinned && !summary.pinned) return false;
  if (state !== undefined && summary.state !== state) return false;
  if (q !== undefined && !hasText(summary, q.trim())) return false;
  return label === undefined ? true : hasLabel(summary, label);
}

function hasText({ title, prompt, session_id }: SessionSummary, text: string): boolean {
  const wanted = text.toLowerCase();
  const isIn = (given: string | null): boolean => given?.toLowerCase().includes(wanted) ?? false;
  return isIn(title) || isIn(prompt) || session_id.startsWith(wanted);
}

function hasLabel({ metadata, metadata_omitted }: SessionSummary, label: string): boolean | null {
  const wanted = parseLabel(label);
  if (wanted === null) return true;
  if (Object.hasOwn(metadata, wanted.key)) return metadata[wanted.key] === wanted.value;
  return metadata_omitted > 0 ? null : false;
}
