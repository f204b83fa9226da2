import type { Interruption, Turn, WholeTurn } from '@greenroom/client';
import type { SentAs } from './act.ts';
import { type Kept, kept } from './drafts.ts';

/*
 * Stop ends what runs and what waits; what waited is kept here, to be sent again. Its texts are in storage before the
 * server is asked, so that a tab that dies right then loses nothing: who comes back asks what became of them.
 *
 *   noted ──the turn was taken back──▶ settled ──sent again, or thrown away──▶ gone
 *     └──it ran, or waits again──▶ gone
 */

export type StopParts = {
  listQueue(): Promise<readonly Turn[]>;
  stop(): Promise<Pick<Interruption, 'discarded'>>;
  readTurn(turnId: string): Promise<WholeTurn>;
  /** Nothing runs or waits any more: there is nothing to stop. */
  isOver(error: unknown): boolean;
};

type Settling = Pick<StopParts, 'readTurn'>;

/** Resolves with how many messages are kept. Rejects with what the server said; nothing is lost then either. */
export async function stopAndKeep(sessionId: string, parts: StopParts): Promise<number> {
  note(sessionId, await parts.listQueue());
  let discarded: readonly string[] = [];
  try {
    ({ discarded } = await parts.stop());
  } catch (error) {
    if (!parts.isOver(error)) throw error;
  }
  const noted = new Set(kept.get(sessionId).map(({ turnId }) => turnId));
  // They came between the list and the stop.
  for (const turnId of discarded.filter((id) => !noted.has(id)))
    note(sessionId, [await parts.readTurn(turnId)]);
  await settle(sessionId, parts);
  return kept.get(sessionId).filter(({ turnId }) => turnId !== null && discarded.includes(turnId)).length;
}

function note(sessionId: string, messages: readonly (Turn | WholeTurn)[]): void {
  const own = messages.filter(({ delivery, sent_at }) => delivery !== 'task' && sent_at === null);
  if (own.length === 0) return;
  kept.change(sessionId, (list) => [
    ...list.filter(({ turnId }) => own.every(({ turn_id }) => turn_id !== turnId)),
    ...own.map(toKept),
  ]);
}

function toKept({ turn_id: turnId, prompt, content, delivery }: Turn | WholeTurn): Kept {
  return {
    // Sent again more than once it arrives once.
    key: `kept-${turnId}`,
    turnId,
    text: prompt,
    images: (content ?? []).filter((block) => block.type === 'image').length,
    delivery: delivery as SentAs,
    isSettled: false,
  };
}

/** Asks of each that is not settled what became of it. */
export async function settle(sessionId: string, { readTurn }: Settling): Promise<void> {
  for (const { turnId, isSettled } of kept.get(sessionId)) {
    if (isSettled || turnId === null) continue;
    const { state } = await readTurn(turnId);
    // It waits still: the stop is under way, or never came.
    if (state === 'queued') continue;
    changeKept(sessionId, (list) =>
      state === 'cancelled'
        ? list.map((entry) => (entry.turnId === turnId ? { ...entry, isSettled: true } : entry))
        : list.filter((entry) => entry.turnId !== turnId),
    );
  }
}

export function changeKept(sessionId: string, change: (list: readonly Kept[]) => readonly Kept[]): void {
  kept.change(sessionId, (list) => {
    const after = change(list);
    return after.length === 0 ? null : after;
  });
}

export function dropKept(sessionId: string, keys: readonly string[]): void {
  changeKept(sessionId, (list) => list.filter(({ key }) => !keys.includes(key)));
}

/** A text that lost its place: the message that it was an edit of is with the agent already. */
export function keepText(sessionId: string, key: string, text: string): void {
  changeKept(sessionId, (list) => [
    ...list.filter((entry) => entry.key !== key),
    { key, turnId: null, text, images: 0, delivery: 'queue', isSettled: true },
  ]);
}
