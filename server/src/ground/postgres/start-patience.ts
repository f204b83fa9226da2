import { retryWhileUnavailable } from '../db/retry.ts';
import { isDatabaseUnavailable } from '../db/sqlstate.ts';
import { StartupError } from '../errors.ts';

/** What the operator is told of a database that a start cannot use. */
export type DatabaseWords = { name: string; hint: string };

const PATIENCE_MS = 15_000;

/**
 * A step of the start that may be taken again: a database that is still starting, or slow, is waited for; one that cannot
 * be reached is the operator's to mend.
 */
export async function waitForDatabase<T>(
  words: DatabaseWords,
  step: () => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  return await explainDatabase(
    words,
    async () => await retryWhileUnavailable(step, AbortSignal.timeout(patienceMs)),
  );
}

/** A step of the start that may not. */
export async function explainDatabase<T>(words: DatabaseWords, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw cannotUse(words, error);
    throw error;
  }
}

export function cannotUse({ name, hint }: DatabaseWords, error: unknown): StartupError {
  return new StartupError(`cannot use ${name}: ${(error as Error).message}`, { cause: error, hint });
}
