import { type RefObject, useEffect } from 'react';
import { arming } from './arming.ts';
import { actOfKey, focusPlace, isSeen } from './key-press.ts';

export type KeyActs = { allow: (() => void) | null; deny: (() => void) | null };

/** `y` and `n` answer the card that has the focus, or, where nothing has it, the one that is first and is seen. */
export function useCardKeys(
  card: RefObject<HTMLElement | null>,
  { acts, hasKeys }: { acts: KeyActs; hasKeys: boolean },
): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (card.current === null || !arming.isArmed.get()) return;
      const place = focusPlace(document.activeElement, card.current);
      if (place === 'nowhere' && !(hasKeys && isSeen(card.current))) return;
      const name = actOfKey(event, place);
      const act = name === null ? null : acts[name];
      if (act === null) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  });
}
