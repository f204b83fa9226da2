import { setTimeout as delay } from 'node:timers/promises';
import {
  isAbortedTransaction,
  isCancelledStatement,
  isConflict,
  isDatabaseUnavailable,
  isLockTimeout,
} from './sqlstate.ts';

const PAUSE_MS = 250;
/** How often what lost against something else is run again: what always loses is at fault itself. */
const MAX_REPEATS = 5;
const CONFLICT_PAUSE_MS = 20;

/**
 * Repeats `work` while the database is away, or somebody holds what it needs; and a few times after a conflict, or when it was
 * cancelled. `work` must bear being run again after a commit whose answer was lost. Other errors, and those after `signal`
 * aborts, are thrown. `onRetry` is told of each that leads to another try.
 */
export async function retryWhileUnavailable<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onRetry: (error: unknown) => void = () => {},
): Promise<T> {
  let repeats = 0;
  while (true) {
    try {
      return await work();
    } catch (error) {
      const isAway = isDatabaseUnavailable(error) || isLockTimeout(error);
      const limit = isCancelledStatement(error) ? MAX_REPEATS : repeatsAfter(error);
      if (signal.aborted || (!isAway && ++repeats > limit)) throw error;
      onRetry(error);
      await delay(isAway ? PAUSE_MS : pauseBefore(repeats), undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

/** Repeats `work`, a transaction, when it loses against another one: a few times, ever later. */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let repeats = 1; ; repeats++) {
    try {
      return await work();
    } catch (error) {
      if (repeats > repeatsAfter(error)) throw error;
      await delay(pauseBefore(repeats));
    }
  }
}

function repeatsAfter(error: unknown): number {
  if (isConflict(error)) return MAX_REPEATS;
  return isAbortedTransaction(error) ? 1 : 0;
}

/** By chance, so that those who met do not meet again. */
function pauseBefore(repeats: number): number {
  return CONFLICT_PAUSE_MS * 2 ** (repeats - 1) * (0.5 + Math.random());
}
