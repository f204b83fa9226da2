import type { SessionSummary } from '@greenroom/client';
import { useSyncExternalStore } from 'react';
import { KeyedStore, useKeyed } from '../util/keyed-store.ts';

/** How sessions stand, as far as they are known: what the stream tells, and what lists have read. */
class Summaries extends KeyedStore<SessionSummary> {
  readonly #listeners = new Set<() => void>();
  #version = 0;

  override set(sessionId: string, summary: SessionSummary | undefined): void {
    if (isOlder(summary, this.get(sessionId))) return;
    super.set(sessionId, summary);
    this.#version++;
    for (const listener of this.#listeners) listener();
  }

  /** Raised by each change of any session. */
  readonly version = (): number => this.#version;

  readonly subscribeAll = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** A list may answer later than the stream has told something newer. */
function isOlder(summary: SessionSummary | undefined, known: SessionSummary | undefined): boolean {
  if (summary === undefined || known === undefined) return false;
  return summary.last_seq < known.last_seq || summary.updated_at < known.updated_at;
}

export const summaries = new Summaries();

/** How one session stands; undefined when nothing is known of it, or it is gone. */
export function useSummary(sessionId: string): SessionSummary | undefined {
  return useKeyed(summaries, sessionId);
}

/** Renders again whenever any session changes; read `summaries` then. */
export function useAnySummary(): number {
  return useSyncExternalStore(summaries.subscribeAll, summaries.version);
}
