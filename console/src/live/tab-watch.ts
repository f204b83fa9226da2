import type { LiveConnection } from './live-connection.ts';

/*
 * Browsers allow six connections to a server, over all tabs: the seventh tab would hang without a word. So a hidden tab
 * gives its stream up after a while, except one, which goes on watching for all of them (a lock that browsers give to one
 * tab at a time says which). It tells the others what is needed for their titles.
 *
 *   visible: streams ──hidden for a minute──▶ has the lock? streams on : paused, and waits for the lock
 *   paused ──gets the lock, or is visible again──▶ streams
 *
 * Pages that came over plain HTTP from another machine have no locks: there every tab that was hidden for long is paused.
 */

const LOCK = 'greenroom.watch';
const CHANNEL = 'greenroom.watch';
const HIDDEN_MS = 60_000;

export type TabParts = {
  live: Pick<LiveConnection, 'start' | 'pause'>;
  document: Pick<Document, 'visibilityState' | 'addEventListener'>;
  /** Undefined where the browser has none. */
  locks: Pick<LockManager, 'request'> | undefined;
  hiddenMs?: number;
};

/** Keeps the stream of this tab while it is looked at, or while it watches for the others. */
export class TabWatch {
  readonly #parts: TabParts;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Gives the lock back, or takes the request for it back. */
  #leave: (() => void) | null = null;

  constructor(parts: TabParts) {
    this.#parts = parts;
  }

  start(): void {
    const { document } = this.#parts;
    document.addEventListener('visibilitychange', () => this.#look());
    this.#look();
  }

  #look(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#parts.document.visibilityState === 'visible') {
      this.#leave?.();
      this.#leave = null;
      this.#parts.live.start();
    } else this.#timer = setTimeout(() => this.#hide(), this.#parts.hiddenMs ?? HIDDEN_MS);
  }

  #hide(): void {
    const { live, locks } = this.#parts;
    if (locks === undefined) {
      live.pause();
      return;
    }
    const leaving = new AbortController();
    this.#leave = () => leaving.abort();
    void this.#watchOrWait(locks, leaving.signal);
  }

  async #watchOrWait(locks: Pick<LockManager, 'request'>, leaving: AbortSignal): Promise<void> {
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

/** What tabs tell each other. */
export class TabChannel {
  readonly #channel: BroadcastChannel | null =
    typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL);

  tell(needsYou: number): void {
    this.#channel?.postMessage({ needsYou });
  }

  listen(hear: (needsYou: number) => void): void {
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const { needsYou } = (data ?? {}) as { needsYou?: unknown };
      if (typeof needsYou === 'number') hear(needsYou);
    });
  }
}
