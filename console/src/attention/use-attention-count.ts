import { useEffect } from 'react';
import { live } from '../live/live.ts';
import { tabChannel as channel } from '../live/tab-channel.ts';
import { useNeedsYouCount } from '../session-list/counts.ts';
import { Store, useStore } from '../util/store.ts';

/** What the tab that watches for all has told; null when none has since this one was paused. */
const told = new Store<number | null>(null);
channel.listen((count) => told.set(count));
live.state.subscribe(() => {
  if (live.state.get().name === 'paused') told.set(null);
});

/**
 * How many sessions need a person. A tab without a stream believes the one that has it; where none has, it is 0: nothing
 * is said rather than something old.
 */
export function useAttentionCount(): number {
  const counted = useNeedsYouCount();
  const { name } = useStore(live.state);
  const heard = useStore(told);
  useEffect(() => {
    if (name === 'live' && counted !== null) channel.tell(counted);
  }, [name, counted]);
  return (name === 'paused' ? heard : counted) ?? 0;
}
