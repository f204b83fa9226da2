import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { listMessageSizes, type SeqRange } from '../../session/event/store.ts';

/** Which messages an answer shows: `after` has where it begins, null is with the newest that fit. */
export type MessageQuery = { after: number | null; limit: number | null };

/** The messages of one answer: a stretch of the log, in ranges that are read one after the other. */
export type MessageWindow = {
  ranges: readonly SeqRange[];
  /** There are more: before the window, or behind it where `after` was given. */
  isCut: boolean;
};

/** Of the agent's messages as they are stored. What is shown of them takes about as much. */
const WINDOW_BYTES = 8_000_000;
/** As much as is read, turned into JSON and handed on in one go: some milliseconds. */
const RANGE_BYTES = 256_000;
const SIZES_AT_ONCE = 1_000;

type Size = { seq: number; bytes: number };

/**
 * Finds the window by the messages' sizes, from its fixed end on and no further than it goes. A single message is shown
 * whatever its size: without it nobody would get past it.
 */
export async function findWindow(
  db: Kysely<Database>,
  { sessionId, lastSeq }: { sessionId: string; lastSeq: number },
  query: MessageQuery,
): Promise<MessageWindow> {
  const order = query.after === null ? 'desc' : 'asc';
  const isFull = fullness(query.limit);
  const taken: Size[] = [];
  let rest: SeqRange = { after: query.after ?? 0, upTo: lastSeq };
  while (true) {
    const sizes = await listMessageSizes(db, { sessionId, order, limit: SIZES_AT_ONCE, ...rest });
    for (const size of sizes) {
      if (isFull(size)) return { ranges: toRanges(taken), isCut: true };
      taken.push(size);
    }
    const last = sizes.at(-1)?.seq;
    if (last === undefined) return { ranges: toRanges(taken), isCut: false };
    rest = order === 'desc' ? { ...rest, upTo: last - 1 } : { ...rest, after: last };
  }
}

/** Tells of one message after the other whether it is too much. */
function fullness(limit: number | null): (size: Size) => boolean {
  let count = 0;
  let total = 0;
  return ({ bytes }) => {
    count += 1;
    total += bytes;
    return count > 1 && (total > WINDOW_BYTES || (limit !== null && count > limit));
  };
}

function toRanges(sizes: readonly Size[]): SeqRange[] {
  const ranges: (SeqRange & { bytes: number })[] = [];
  for (const { seq, bytes } of sizes.toSorted((a, b) => a.seq - b.seq)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.bytes + bytes <= RANGE_BYTES) {
      last.upTo = seq;
      last.bytes += bytes;
    } else ranges.push({ after: seq - 1, upTo: seq, bytes });
  }
  return ranges.map(({ after, upTo }) => ({ after, upTo }));
}
