import type { SessionSummary } from '@greenroom/client';
import { useSyncExternalStore } from 'react';
import { KeyedStore, useKeyed } from '../util/keyed-store.ts';

export type SummaryListener = (
  sessionId: string,
  summary: SessionSummary | undefined,
  before: SessionSummary | undefined,
) => void;

/** How sessions stand, as far as they are known: what the stream tells, and what lists have read. */
export class Summaries extends KeyedStore<SessionSummary> {
  readonly #listeners = new Set<SummaryListener>();
  readonly #changedAt = new Map<string, number>();
  #version = 0;

  override set(sessionId: string, summary: SessionSummary | undefined): void {
    const before = this.get(sessionId);
    if (summary === before || isOlder(summary, before)) return;
    // First of all: whoever is told may ask.
    this.#changedAt.set(sessionId, ++this.#version);
    super.set(sessionId, summary);
    for (const listener of this.#listeners) listener(sessionId, summary, before);
  }

  /** What a list answered. What changed since it was asked, at that version, is newer than the answer. */
  takeRead(read: readonly SessionSummary[], askedAt: number): void {
    for (const summary of read) {
      if (!this.hasChangedSince(summary.session_id, askedAt)) this.set(summary.session_id, summary);
    }
  }

  hasChangedSince(sessionId: string, version: number): boolean {
    return (this.#changedAt.get(sessionId) ?? 0) > version;
  }

  /** Raised by each change of any session. */
  readonly version = (): number => this.#version;

  readonly subscribeAll = (listener: SummaryListener): (() => void) => {
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
