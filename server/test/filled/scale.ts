/** How much a filled database holds. */
export type Scale = {
  sessions: number;
  /** Beside the one that has nearly everything; each has few sessions, and a key. */
  tenants: number;
  /** Of the tenant with nearly everything. */
  keys: number;
  /** Of the session with many events, in turns of 500 each. */
  longTurns: number;
  /** Of the session whose every prompt has a picture. */
  pictureTurns: number;
};

/**
 * `part` 1: 100,000 sessions, a million turns, 5 million events, and of the rest what such a server has kept; one session
 * of 50,000 events, and one of 10,000 turns with pictures. Of a small part some is left larger: a scan of few rows is cheap.
 */
export function scaleOf(part: number): Scale {
  const of = (count: number, least = 1): number => Math.max(least, Math.round(count * part));
  return {
    sessions: of(100_000),
    tenants: of(1_000, 200),
    keys: of(2_000, 800),
    longTurns: of(100, 10),
    pictureTurns: of(10_000, 1_000),
  };
}
