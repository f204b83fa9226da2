import { setTimeout as delay } from 'node:timers/promises';
import { isDatabaseUnavailable } from './sqlstate.ts';

const PAUSE_MS = 250;

/**
 * Repeats `work` while the database is away. `work` must bear being run again after a commit whose answer was lost.
 * Other errors, and those after `signal` aborts, are thrown. `onRetry` is told of each that leads to another try.
 */
export async function retryWhileUnavailable<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onRetry: (error: unknown) => void = () => {},
): Promise<T> {
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseUnavailable(error) || signal.aborted) throw error;
      onRetry(error);
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}
