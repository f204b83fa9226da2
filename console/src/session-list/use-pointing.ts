import { useEffect, useMemo, useRef, useState } from 'react';

/** `active`: moved lately over the rows, so that a press may be about to come. `resting`: is there, and does not move. */
export type Pointing = 'away' | 'resting' | 'active';

/** What the element of the rows is given. */
export type PointingHandlers = { onPointerMove(): void; onPointerDown(): void; onPointerLeave(): void };

const REST_MS = 3_000;

/** Whether somebody points at the rows, and what to put on their element to know. */
export function usePointing(): { pointing: Pointing; handlers: PointingHandlers } {
  const [pointing, setPointing] = useState<Pointing>('away');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const handlers = useMemo(() => {
    const move = (): void => {
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setPointing('resting'), REST_MS);
      setPointing('active');
    };
    const leave = (): void => {
      clearTimeout(timer.current);
      setPointing('away');
    };
    return { onPointerMove: move, onPointerDown: move, onPointerLeave: leave };
  }, []);
  return { pointing, handlers };
}
