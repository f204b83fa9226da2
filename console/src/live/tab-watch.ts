import type { LiveConnection } from './live-connection.ts';
import type { TabChannel } from './tab-channel.ts';
import { type Locks, takeSlot } from './tab-slots.ts';

/*
 * Browsers allow six connections to a server, over all tabs: the seventh tab would hang without a word. So a hidden tab
 * gives its stream up after a while, or as soon as another tab begins, except one, which goes on watching for all of them
 * (a lock that browsers give to one tab at a time says which). It tells the others what is needed for their titles.
 *
 *   visible: streams ──hidden for a minute, or another begins──▶ has the lock? streams on : paused, and waits for the lock
 *      │  ▲                                                        paused ──gets the lock, or is visible again──▶ streams
 *      ▼  │ turned to
 *   paused, since too many others are visible (tab-slots.ts)
 *
 * Pages that came over plain HTTP from another machine have no locks: there every tab that was hidden for long is paused.
 */

const LOCK = 'greenroom.watch';
const HIDDEN_MS = 60_000;

export type TabParts = {
  live: Pick<LiveConnection, 'start' | 'pause'>;
  document: Pick<Document, 'visibilityState' | 'addEventListener'>;
  window: Pick<Window, 'addEventListener'>;
  channel: Pick<TabChannel, 'begin' | 'onBegin'>;
  /** Undefined where the browser has none. */
  locks: Locks | undefined;
  hiddenMs?: number;
};

/** Keeps the stream of this tab while it is looked at, or while it watches for the others. */
export class TabWatch {
  readonly #parts: TabParts;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Gives the lock back, or takes the request for it back. */
  #leave: (() => void) | null = null;
  /** Gives the slot back; null while it has none. */
  #leaveSlot: (() => void) | null = null;

  constructor(parts: TabParts) {
    this.#parts = parts;
  }

  start(): void {
    const { document, window, channel } = this.#parts;
    document.addEventListener('visibilitychange', () => this.#look());
    window.addEventListener('focus', () => this.#look());
    channel.onBegin(() => {
      if (this.#timer !== null) this.#hide();
    });
    this.#look();
  }

  #look(): void {
    this.#stopTimer();
    if (this.#parts.document.visibilityState === 'visible') this.#show();
    else {
      this.#leaveSlot?.();
      this.#leaveSlot = null;
      if (this.#leave === null)
        this.#timer = setTimeout(() => this.#hide(), this.#parts.hiddenMs ?? HIDDEN_MS);
    }
  }

  #show(): void {
    const { live, locks, channel } = this.#parts;
    this.#leave?.();
    this.#leave = null;
    if (this.#leaveSlot !== null) return;
    channel.begin();
    live.start();
    if (locks === undefined) {
      this.#leaveSlot = () => {};
      return;
    }
    const leaveSlot = takeSlot(locks, () => {
      if (this.#leaveSlot !== leaveSlot) return;
      this.#leaveSlot = null;
      live.pause();
    });
    this.#leaveSlot = leaveSlot;
  }

  #hide(): void {
    this.#stopTimer();
    const { live, locks } = this.#parts;
    if (locks === undefined) {
      live.pause();
      return;
    }
    const leaving = new AbortController();
    this.#leave = () => leaving.abort();
    void this.#watchOrWait(locks, leaving.signal);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #watchOrWait(locks: Locks, leaving: AbortSignal): Promise<void> {
    const { live } = this.#parts;
    const watch = async (): Promise<void> => {
      if (leaving.aborted) return;
      live.start();
      await new Promise<void>((resolve) => leaving.addEventListener('abort', () => resolve()));
    };
    const isFree = await locks.request(LOCK, { ifAvailable: true }, async (lock) => {
      if (lock !== null) await watch();
      return lock !== null;
    });
    if (isFree || leaving.aborted) return;
    live.pause();
    // It rejects when the request is taken back: the tab is visible then, and streams anyway.
    await locks.request(LOCK, { signal: leaving }, watch).catch(() => {});
  }
}
