import { findRow, type Row } from './listing.ts';

/**
 * By how many rows those that are looked at moved, when others came or went above them: so much further the list is
 * scrolled, and nothing moves under the reader.
 */
export function rowsMoved(before: readonly Row[], after: readonly Row[], firstVisible: number): number {
  for (let at = Math.max(0, firstVisible); at < before.length; at++) {
    const row = before[at] as Row;
    const to = findRow(after, row.id);
    // One that was pinned meanwhile went elsewhere by itself.
    if (to !== -1 && after[to]?.isPinned === row.isPinned) return to - at;
  }
  return 0;
}
