import type { Turn } from '@greenroom/client';

/* The queue runs what interrupts first, then what steers, then what queues. Each message moves among its likes alone. */

export type Waiting = Pick<Turn, 'turn_id' | 'delivery' | 'sent_at'>;

/** Where a message is to stand: before another one, or (null) behind all of its likes. */
export type Place = { before: string | null };

/** Those that it can change places with. What was handed to the agent stands where it stands. */
export function likesOf<T extends Waiting>(queue: readonly T[], turnId: string): T[] {
  const delivery = queue.find((message) => message.turn_id === turnId)?.delivery;
  return queue.filter((message) => message.delivery === delivery && message.sent_at === null);
}

/** To where another one stands now; null where that changes nothing, or cannot be. */
export function moveOnto(queue: readonly Waiting[], turnId: string, targetId: string): Place | null {
  const likes = likesOf(queue, turnId);
  const from = likes.findIndex((message) => message.turn_id === turnId);
  const to = likes.findIndex((message) => message.turn_id === targetId);
  if (from === -1 || to === -1 || from === to) return null;
  return { before: to < from ? targetId : (likes[to + 1]?.turn_id ?? null) };
}

/** One place up (-1) or down (1). */
export function moveBy(queue: readonly Waiting[], turnId: string, by: -1 | 1): Place | null {
  const likes = likesOf(queue, turnId);
  const target = likes[likes.findIndex((message) => message.turn_id === turnId) + by];
  return target === undefined ? null : moveOnto(queue, turnId, target.turn_id);
}

/** The queue as it is about to be. */
export function reorder<T extends Waiting>(queue: readonly T[], turnId: string, { before }: Place): T[] {
  const message = queue.find((other) => other.turn_id === turnId);
  if (message === undefined) return [...queue];
  const last = likesOf(queue, turnId).findLast((other) => other.turn_id !== turnId);
  const others = queue.filter((other) => other !== message);
  const at = others.findIndex((other) => other.turn_id === (before ?? last?.turn_id));
  if (at === -1) return [...queue];
  return others.toSpliced(before === null ? at + 1 : at, 0, message);
}
