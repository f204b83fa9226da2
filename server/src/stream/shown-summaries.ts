import { hash } from 'node:crypto';
import type { SessionSummary } from '../session/summary/summary.ts';

/** A summary that was sent: when it was read, and what it said. */
type Shown = Pick<SessionSummary, 'last_seq' | 'updated_at' | 'marked_at'> & { hash: string };

/** As many as a snapshot may have. */
const MAX_SHOWN = 1_000;

/**
 * What a client was shown last of the sessions that it was shown last. Of older ones nothing is known any more: their
 * next change is shown whatever it is, so that a client may be told twice, and never too little.
 */
export class ShownSummaries {
  readonly #shown = new Map<string, Shown>();
  #hasForgotten = false;

  ids(): Iterable<string> {
    return this.#shown.keys();
  }

  /** Whether the client was shown the session, as far as it is remembered. */
  has(id: string): boolean {
    return this.#shown.has(id);
  }

  mayHave(id: string): boolean {
    return this.#hasForgotten || this.#shown.has(id);
  }

  /** Whether a summary, with this JSON, tells nothing new. */
  covers(summary: SessionSummary, json: string): boolean {
    const shown = this.#shown.get(summary.session_id);
    if (shown === undefined) return false;
    const now = toShown(summary, json);
    return isOlder(now, shown) || now.hash === shown.hash;
  }

  note(summary: SessionSummary, json: string): void {
    const { session_id: id } = summary;
    this.#shown.delete(id);
    this.#shown.set(id, toShown(summary, json));
    if (this.#shown.size <= MAX_SHOWN) return;
    const [oldest] = this.#shown.keys();
    if (oldest !== undefined) this.#shown.delete(oldest);
    this.#hasForgotten = true;
  }

  forget(id: string): void {
    this.#shown.delete(id);
  }
}

function toShown({ last_seq, updated_at, marked_at }: SessionSummary, json: string): Shown {
  return { last_seq, updated_at, marked_at, hash: hash('sha1', json, 'base64') };
}

/** Read before something that was shown already. */
function isOlder(now: Shown, shown: Shown): boolean {
  if (now.last_seq !== shown.last_seq) return now.last_seq < shown.last_seq;
  return now.updated_at < shown.updated_at || (now.marked_at ?? '') < (shown.marked_at ?? '');
}
