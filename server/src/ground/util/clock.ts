/** What time it is, and what is to happen later. Milliseconds. */
export type Clock = {
  /** Since some moment in the past; it never goes back. */
  now(): number;
  after(ms: number, call: () => void): Timer;
};

export type Timer = { stop(): void };

/** A timer keeps no process from ending. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms).unref();
    return { stop: () => clearTimeout(timer) };
  },
};
