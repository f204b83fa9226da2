import type { SessionEvent } from '@greenroom/client';
import type { PromptItem, TurnEndItem } from './item.ts';

type Placed = Pick<SessionEvent, 'seq' | 'kind'>;

/** The event before a prompt: the fork says something else in its place. Null for the very first. */
export function beforePrompt({ seq }: Pick<PromptItem, 'seq'>): number | null {
  return seq === null || seq <= 1 ? null : seq - 1;
}

/** The last event of a turn: how its session stands is said right behind its end. */
export function afterTurn(events: readonly Placed[], { seq }: Pick<TurnEndItem, 'seq'>): number | null {
  if (seq === null) return null;
  const index = events.findIndex((event) => event.seq === seq);
  const next = index === -1 ? undefined : events[index + 1];
  return next?.kind === 'session' ? next.seq : seq;
}

/** The turn that began next: when it did, files were what they are at this row. Null when none has. */
export function turnAfter(events: readonly SessionEvent[], seq: number): string | null {
  const next = events.find(
    (event) => event.seq > seq && event.kind === 'turn' && event.data.phase === 'started',
  );
  return next?.turn_id ?? null;
}
