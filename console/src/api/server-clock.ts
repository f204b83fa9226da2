import { Store, useStore } from '../util/store.ts';

/*
 * Clocks of laptops and phones are wrong by minutes. What the server dated is compared with the server's time.
 */

/** Server's time minus this device's, in milliseconds. */
let offsetMs = 0;
let isKnown = false;

export function noteServerTime(iso: string): void {
  const server = Date.parse(iso);
  if (Number.isNaN(server)) return;
  isKnown = true;
  const offset = server - Date.now();
  // Below that it is the way of the answer, and every new value would make ages jump.
  if (Math.abs(offset - offsetMs) > 2_000) offsetMs = offset;
}

/** False until the server has told it: what cannot be undone should wait for that. */
export function knowsServerTime(): boolean {
  return isKnown;
}

/** In milliseconds since the epoch, as the server counts. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}

const minute = new Store(0);
const second = new Store(0);

/** The server's time; renders again each minute, or each second. */
export function useNow(every: 'minute' | 'second' = 'minute'): number {
  useStore(every === 'minute' ? minute : second);
  return serverNow();
}

/** One timer for all that count; started by main. */
export function startClock(): void {
  setInterval(() => {
    second.update((count) => count + 1);
    if (second.get() % 60 === 0) minute.update((count) => count + 1);
  }, 1_000);
}
