/** The timers that it takes; tests have their own. */
export type CalmClock = { now(): number; after(ms: number, act: () => void): void };

const realClock: CalmClock = {
  now: () => Date.now(),
  after: (ms, act) => void setTimeout(act, ms),
};

/**
 * The act, done soon after it was asked for, and seldom however often it is asked for: `soonMs` after the first time, and
 * never twice within `restMs`. What is asked for meanwhile is done once, afterwards.
 */
export function calm(
  act: () => void,
  { soonMs, restMs }: { soonMs: number; restMs: number },
  clock: CalmClock = realClock,
): () => void {
  let isDue = false;
  let doneAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (isDue) return;
    isDue = true;
    clock.after(Math.max(soonMs, doneAt + restMs - clock.now()), () => {
      isDue = false;
      doneAt = clock.now();
      act();
    });
  };
}
