import { type RefObject, useEffect } from 'react';
import { arming } from './arming.ts';

/** Whatever makes the cards move, none of them takes an answer until they stand still. `isThere`: the frame is shown. */
export function useStill(frame: RefObject<HTMLElement | null>, isThere = true): void {
  useEffect(() => {
    if (frame.current === null || !isThere) return;
    const observer = new ResizeObserver(arming.disarm);
    observer.observe(frame.current);
    const show = (): void => {
      if (document.visibilityState === 'visible') arming.disarm();
    };
    document.addEventListener('visibilitychange', show);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', show);
    };
  }, [frame, isThere]);
}
