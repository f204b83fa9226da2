import type { SessionSummary } from '@greenroom/client';
import type { Reading, Sight } from './listing.ts';

/** What lists have read, and what is known by the stream: which of it gets a row. */
export type Known = {
  pages: readonly { ids: readonly string[]; next: string | null; askedAt: number }[];
  pinned: { ids: readonly string[] } | undefined;
  /** Those that have a row. */
  rowIds: readonly string[];
  summaries: {
    get(id: string): SessionSummary | undefined;
    keys(): Iterable<string>;
    hasChangedSince(id: string, version: number): boolean;
  };
  sightOf: (id: string) => Sight;
};

export function readingOf({ pages, pinned, rowIds, summaries, sightOf }: Known): Reading {
  const listed = new Set([...pages.flatMap(({ ids }) => ids), ...(pinned?.ids ?? [])]);
  const readDownTo = pages.at(-1)?.next ?? '';
  /** When the page was read that would have it. */
  const askedAt = (id: string): number => pages.find(({ next }) => id >= (next ?? ''))?.askedAt ?? 0;
  const isInReach = (id: string): boolean => id >= readDownTo;
  const others = new Set([...summaries.keys()].filter(isInReach));
  for (const id of rowIds) others.add(id);
  const sights = [...listed].map(sightOf);
  for (const id of others) {
    if (listed.has(id)) continue;
    const sight = sightOf(id);
    // The server does not have it, and nothing was heard of it since: what is known here is out of date.
    const isNews = summaries.hasChangedSince(id, askedAt(id));
    sights.push(sight.match !== false && !isNews ? { ...sight, match: false } : sight);
  }
  // Only the server can tell: it did not.
  return { sights: sights.filter(({ id, match }) => match !== null || listed.has(id)), readDownTo };
}
