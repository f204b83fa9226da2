import type { SessionSummary } from '@greenroom/client';
import { useSyncExternalStore } from 'react';
import { KeyedStore, useKeyed } from '../util/keyed-store.ts';

export type SummaryListener = (
  sessionId: string,
  summary: SessionSummary | undefined,
  before: SessionSummary | undefined,
) => void;

/** What becomes of a session as it was told of. */
export type Change = (told: SessionSummary) => SessionSummary;

/** How sessions stand, as far as they are known: what the stream tells, what lists have read, and what is done here. */
export class Summaries extends KeyedStore<SessionSummary> {
  readonly #told = new Map<string, SessionSummary>();
  readonly #changes = new Map<string, readonly Change[]>();
  readonly #listeners = new Set<SummaryListener>();
  readonly #changedAt = new Map<string, number>();
  #version = 0;

  /** It was told of the session; undefined when it is gone. */
  override set(sessionId: string, summary: SessionSummary | undefined): void {
    const before = this.#told.get(sessionId);
    if (summary === before || isOlder(summary, before)) return;
    if (summary === undefined) this.#told.delete(sessionId);
    else this.#told.set(sessionId, summary);
    this.#show(sessionId);
  }

  /** The server did this. It has `updated_at` or `marked_at` from the answer, so that older news changes nothing of it. */
  note(sessionId: string, done: Change): void {
    const told = this.#told.get(sessionId);
    if (told !== undefined) this.set(sessionId, done(told));
  }

  /**
   * Shows what somebody does before the server has answered, on top of whatever is told meanwhile. Call what it returns
   * with what was done in the end, null for nothing.
   */
  change(sessionId: string, change: Change): (done: Change | null) => void {
    const others = (): readonly Change[] =>
      this.#changes.get(sessionId)?.filter((one) => one !== change) ?? [];
    this.#changes.set(sessionId, [...others(), change]);
    this.#show(sessionId);
    return (done) => {
      const left = others();
      if (left.length > 0) this.#changes.set(sessionId, left);
      else this.#changes.delete(sessionId);
      if (done !== null) this.note(sessionId, done);
      this.#show(sessionId);
    };
  }

  #show(sessionId: string): void {
    const before = this.get(sessionId);
    const told = this.#told.get(sessionId);
    const changes = this.#changes.get(sessionId) ?? [];
    const shown = told === undefined ? undefined : changes.reduce((summary, change) => change(summary), told);
    if (shown === before) return;
    // First of all: whoever is told may ask.
    this.#changedAt.set(sessionId, ++this.#version);
    super.set(sessionId, shown);
    for (const listener of this.#listeners) listener(sessionId, shown, before);
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

/** A list may answer, and the stream tell what was read, later than something newer was told. */
function isOlder(summary: SessionSummary | undefined, known: SessionSummary | undefined): boolean {
  if (summary === undefined || known === undefined) return false;
  return (
    summary.last_seq < known.last_seq ||
    summary.updated_at < known.updated_at ||
    (summary.marked_at ?? '') < (known.marked_at ?? '')
  );
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
