import { z } from 'zod';
import { isUuid } from '../ground/ids.ts';
import type { LogRange } from '../session/event/event.ts';

/** Where a client stopped: a `seq`, or a text that is none. null is from the beginning. */
export type Cursor = number | 'unreadable' | null;

export const resetReason = z.enum(['cursor_ahead', 'cursor_unreadable', 'events_deleted']);
export type ResetReason = z.infer<typeof resetReason>;

/** Where a stream begins. `reset`: not where the client asked, so that it must forget what it has. */
export type Start = { after: number; reset: ResetReason | null };

const WHOLE_NUMBER = /^\d{1,15}$/;

export function parseCursor(text: string): Cursor {
  return WHOLE_NUMBER.test(text) ? Number(text) : 'unreadable';
}

export function startAt(cursor: Cursor, { firstSeq, lastSeq }: LogRange): Start {
  if (cursor === null || cursor === 0) return { after: 0, reset: null };
  if (cursor === 'unreadable') return { after: 0, reset: 'cursor_unreadable' };
  if (cursor > lastSeq) return { after: 0, reset: 'cursor_ahead' };
  // Of what came after the cursor, the beginning is gone.
  if (cursor + 1 < (firstSeq ?? lastSeq + 1)) return { after: 0, reset: 'events_deleted' };
  return { after: cursor, reset: null };
}

/** Of a stream of many sessions: `session:seq`, joined by commas. */
export function parseCursors(text: string): Map<string, number> | 'unreadable' {
  const cursors = new Map<string, number>();
  for (const part of text.split(',')) {
    const [id = '', seq = '', ...more] = part.split(':');
    if (!isUuid(id) || !WHOLE_NUMBER.test(seq) || more.length > 0) return 'unreadable';
    cursors.set(id.toLowerCase(), Number(seq));
  }
  return cursors;
}

export function renderCursors(cursors: Iterable<readonly [string, number]>): string {
  return [...cursors].map(([id, seq]) => `${id}:${seq}`).join();
}
