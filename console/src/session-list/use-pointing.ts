import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';

/** `active`: moved lately over the rows, so that a press may be about to come. `resting`: is there, and does not move. */
export type Pointing = 'away' | 'resting' | 'active';

/** What the element of the rows is given. */
export type PointingHandlers = {
  onPointerMove(event: PointerEvent): void;
  onPointerDown(event: PointerEvent): void;
  onPointerLeave(event: PointerEvent): void;
};

const REST_MS = 3_000;

/** Whether somebody points at the rows, and what to put on their element to know. */
export function usePointing(): { pointing: Pointing; handlers: PointingHandlers } {
  const [pointing, setPointing] = useState<Pointing>('away');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const handlers = useMemo(() => {
    const move = ({ pointerType }: PointerEvent): void => {
      clearTimeout(timer.current);
      // A finger is never seen to rest, and the next touch may come at once.
      timer.current = setTimeout(() => setPointing(pointerType === 'mouse' ? 'resting' : 'away'), REST_MS);
      setPointing('active');
    };
    const leave = ({ pointerType }: PointerEvent): void => {
      if (pointerType !== 'mouse') return;
      clearTimeout(timer.current);
      setPointing('away');
    };
    return { onPointerMove: move, onPointerDown: move, onPointerLeave: leave };
  }, []);
  return { pointing, handlers };
}
