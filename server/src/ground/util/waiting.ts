import { setTimeout as delay } from 'node:timers/promises';

/** Waits for `work` until `signal` aborts, and throws its reason then: `work` itself may never come to an end. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Waits for `work`, but no longer than `ms`. */
export async function forAtMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const done = new AbortController();
  const over = delay(ms, undefined, { signal: done.signal, ref: false });
  try {
    await Promise.race([work, over]);
  } finally {
    done.abort();
  }
}

const STEPS = 8;

/**
 * Waits `ms` for `work`, counted in turns of the event loop: where the process had no processor for long, what has come
 * meanwhile is looked at before it is given up.
 */
export async function patiently<T>(work: Promise<T>, ms: number): Promise<T> {
  const done = new AbortController();
  const { signal } = done;
  const giveUp = async (): Promise<never> => {
    for (let step = 0; step < STEPS; step++) await delay(ms / STEPS, undefined, { signal, ref: false });
    throw new Error(`no answer within ${ms} ms`);
  };
  try {
    return await Promise.race([work, giveUp()]);
  } finally {
    done.abort();
  }
}
