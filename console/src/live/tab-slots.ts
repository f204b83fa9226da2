/*
 * Windows that are looked at share the connections that browsers allow to a server (six, over all tabs): four of them have
 * a stream, each with one of four locks. One that finds none free takes one away from another: somebody has just turned to
 * it. The other is paused, until somebody turns to that one again.
 */

const SLOTS = [1, 2, 3, 4].map((number) => `greenroom.stream.${number}`);

export type Locks = Pick<LockManager, 'request'>;

/** Takes a slot; `onLost` says that another tab took it. Returns what gives it back. */
export function takeSlot(locks: Locks, onLost: () => void, random: () => number = Math.random): () => void {
  const leaving = new AbortController();
  void hold(locks, leaving.signal, random).catch(() => {
    if (!leaving.signal.aborted) onLost();
  });
  return () => leaving.abort();
}

/** Rejects when the slot is taken away. */
async function hold(locks: Locks, leaving: AbortSignal, random: () => number): Promise<void> {
  const untilLeft = async (lock: Lock | null): Promise<boolean> => {
    if (lock === null) return false;
    if (!leaving.aborted)
      await new Promise<void>((resolve) => leaving.addEventListener('abort', () => resolve()));
    return true;
  };
  for (const slot of SLOTS) {
    if (leaving.aborted || (await locks.request(slot, { ifAvailable: true }, untilLeft))) return;
  }
  const another = SLOTS[Math.floor(random() * SLOTS.length)] ?? SLOTS[0];
  if (another !== undefined) await locks.request(another, { steal: true }, untilLeft);
}
