const FIRST_MS = 250;
const MAX_MS = 10_000;

export type Backoff = {
  /** What the server asked for. */
  retryAfterMs?: number | null;
  /** The first wait; it doubles with every failed try. */
  firstMs?: number | null;
};

/**
 * How long to wait before try number `attempt` (0 is the first repetition): twice as long each time, at most 10 s, and
 * with up to a half taken off at random, so that many clients do not come back at once. Never earlier than the server
 * asked for.
 */
export function backoffMs(
  attempt: number,
  options: Backoff = {},
  random: () => number = Math.random,
): number {
  const full = Math.min(MAX_MS, (options.firstMs ?? FIRST_MS) * 2 ** attempt);
  const jittered = full * (1 - random() / 2);
  const { retryAfterMs = null } = options;
  return retryAfterMs === null ? jittered : retryAfterMs + Math.min(jittered, 1_000);
}

/** Rejects with the signal's reason when it aborts. */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, ms);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    function done(): void {
      signal?.removeEventListener('abort', abort);
      resolve();
    }
    signal?.addEventListener('abort', abort, { once: true });
  });
}
