import type { SessionSummary } from '@greenroom/client';
import { titleOf } from '../live/session-title.ts';
import { summaries } from '../live/summaries.ts';

/** A session began to need a person, or was done: what wants to be noticed when the page is not looked at. */
export type Call = { sessionId: string; why: 'needs_you' | 'done'; title: string };

/** Compares how sessions stand with how they stood; the first look calls nobody. */
export class AttentionWatch {
  readonly #states = new Map<string, SessionSummary['state']>();

  /** @returns what is new since the last look */
  look(all: Iterable<SessionSummary>): Call[] {
    const calls: Call[] = [];
    const seen = new Set<string>();
    for (const { session_id: sessionId, state, title, prompt } of all) {
      seen.add(sessionId);
      const before = this.#states.get(sessionId);
      this.#states.set(sessionId, state);
      if (before === undefined || before === state) continue;
      const name = titleOf({ title, prompt }) ?? sessionId;
      if (state === 'needs_you') calls.push({ sessionId, why: 'needs_you', title: name });
      else if (state === 'unread' && before === 'working')
        calls.push({ sessionId, why: 'done', title: name });
    }
    for (const id of this.#states.keys()) if (!seen.has(id)) this.#states.delete(id);
    return calls;
  }
}

/** Looks again whenever something changed, at most once in each turn of the event loop. */
export function followAttention(notice: (calls: readonly Call[]) => void): void {
  const watch = new AttentionWatch();
  let isPlanned = false;
  summaries.subscribeAll(() => {
    if (isPlanned) return;
    isPlanned = true;
    // NOTE: no animation frame: hidden tabs have none, and they are who this is for.
    setTimeout(() => {
      isPlanned = false;
      const calls = watch.look(summaries.values());
      if (calls.length > 0) notice(calls);
    });
  });
}
