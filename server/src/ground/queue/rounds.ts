/*
 * Whose turn it is. Sessions that wait for a worker stand in rounds; in each, a tenant has one place. They are taken round by
 * round, and within a round in the order of their arrival. So
 *
 * - a tenant's sessions are taken in the order of their arrival;
 * - a tenant's first one waits for no more than one of each other tenant in the round that runs, and in the next;
 * - nobody waits for ever: a round that has begun takes nobody in, so it ends, and rounds are only ever added behind.
 */

/** The last that the queue can tell apart: whoever comes after it is taken in the order of arrival alone. */
const LAST_ROUND = 2 ** 31 - 1;

/**
 * The round that a session joins: the first that has not begun, behind those of its tenant that wait.
 *
 * @param current the latest round that anybody was taken from
 * @param lastOfTenant the latest round in which one of its tenant waits; null when none does
 */
export function roundToJoin(current: number, lastOfTenant: number | null): number {
  return Math.min(Math.max(current, lastOfTenant ?? 0) + 1, LAST_ROUND);
}
