import type { EventKind, LogItem, LogRange } from '../session/event/event.ts';
import type { ResetReason } from './cursor.ts';

/** What is sent and not stored: it has no id, so that a stream never resumes from it. */
export type PassingItem = { seq: null; kind: 'delta'; json: string };
export type StreamItem = LogItem | PassingItem;

/** How a stream shows its items. Streams with the same `key` show them alike and share the bytes; null shares none. */
export type Format = {
  key: string | null;
  accepts(item: StreamItem): boolean;
  render(item: StreamItem): string;
};

/** Some bytes of a batch, and the first and the last `seq` in them (0: none). */
export type Chunk = { bytes: Buffer; firstSeq: number; lastSeq: number };

// Small enough to find room in a buffer that is half full, and to be taken over by the kernel in one piece.
const CHUNK_CHARACTERS = 32 * 1024;

export function sseFrame(event: string, json: string, id: string | number | null = null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`;
}

/** The data of what is not stored, in the shape of what is. */
export function passing(kind: string, data: object, turnId: string | null = null): string {
  return JSON.stringify({ kind, turn_id: turnId, data });
}

/** The same where many sessions share a stream. */
export function ofSession(sessionId: string, json: string): string {
  return `{"session_id":"${sessionId}",${json.slice(1)}`;
}

/** The client must forget what it has: all events follow from the first that is kept. */
export function resetData(reason: ResetReason, { firstSeq, lastSeq }: LogRange): string {
  return passing('reset', { reason, first_seq: firstSeq, last_seq: lastSeq });
}

export function endData(reason: 'deleted' | 'not_found'): string {
  return passing('end', { reason });
}

export type Selection = { kinds: readonly EventKind[] | null; deltas: boolean };

export function accepts({ kinds, deltas }: Selection, item: StreamItem): boolean {
  return item.seq === null ? deltas : kinds === null || kinds.includes(item.kind);
}

/** The stream of one session: the id is the `seq`. */
export function sessionFormat(selection: Selection): Format {
  return {
    key: `${selection.kinds?.toSorted().join() ?? '*'} ${selection.deltas}`,
    accepts: (item) => accepts(selection, item),
    render: ({ seq, kind, json }) => sseFrame(kind, json, seq),
  };
}

/** Items in their order, rendered once per format however many streams they go to. */
export class Batch {
  readonly #items: readonly StreamItem[];
  readonly #chunks = new Map<string, readonly Chunk[]>();
  /** The newest `seq` in it; 0 is none. */
  readonly lastSeq: number;

  constructor(items: readonly StreamItem[]) {
    this.#items = items;
    this.lastSeq = items.findLast((item) => item.seq !== null)?.seq ?? 0;
  }

  /** Without the stored events up to `after`. What is not shared is rendered when it is asked for, not before. */
  chunks(format: Format, after: number): Iterable<Chunk> {
    if (format.key === null) return renderChunks(this.#itemsAfter(after), format);
    let chunks = this.#chunks.get(format.key);
    if (chunks === undefined) {
      chunks = [...renderChunks(this.#items, format)];
      this.#chunks.set(format.key, chunks);
    }
    if (chunks.some(({ firstSeq, lastSeq }) => firstSeq <= after && after < lastSeq))
      return renderChunks(this.#itemsAfter(after), format);
    return chunks.filter(({ lastSeq }) => lastSeq === 0 || lastSeq > after);
  }

  #itemsAfter(seq: number): StreamItem[] {
    return this.#items.filter((item) => item.seq === null || item.seq > seq);
  }
}

function* renderChunks(items: readonly StreamItem[], format: Format): Generator<Chunk, void> {
  let text = '';
  let seqs: number[] = [];
  const toChunk = (): Chunk => ({
    bytes: Buffer.from(text),
    firstSeq: seqs[0] ?? 0,
    lastSeq: seqs.at(-1) ?? 0,
  });
  for (const item of items) {
    if (!format.accepts(item)) continue;
    let frame = format.render(item);
    if (text !== '' && text.length + frame.length > CHUNK_CHARACTERS) {
      yield toChunk();
      text = '';
      seqs = [];
      // What was sent meanwhile may show in it.
      frame = format.render(item);
    }
    text += frame;
    if (item.seq !== null) seqs.push(item.seq);
  }
  if (text !== '') yield toChunk();
}
