import { useCallback, useState } from 'react';
import type { FoldChoice } from './rows.ts';

/**
 * Which finished turns show everything. Those that had ended before are folded; one that ends while somebody reads in
 * the middle of it is left as it is, one whose end they watch folds then, and never before.
 */
export class Folds {
  readonly #open = new Map<string, boolean>();
  /** The newest event when this view was opened: turns that ended before were never shown unfolded. */
  readonly #since: number;
  /** Asked when a turn is seen to have ended. */
  isReading: () => boolean = () => false;

  constructor(since: number) {
    this.#since = since;
  }

  readonly isOpen: FoldChoice = (turnId, endedAtSeq) => {
    const known = this.#open.get(turnId);
    if (known !== undefined) return known;
    const isOpen = endedAtSeq > this.#since && this.isReading();
    this.#open.set(turnId, isOpen);
    return isOpen;
  };

  set(turnId: string, isOpen: boolean): void {
    this.#open.set(turnId, isOpen);
  }
}

export function useFolds(since: number) {
  const [folds] = useState(() => new Folds(since));
  const [version, setVersion] = useState(0);
  const setFold = useCallback(
    (turnId: string, isOpen: boolean) => {
      folds.set(turnId, isOpen);
      setVersion((count) => count + 1);
    },
    [folds],
  );
  return { folds, version, setFold };
}
