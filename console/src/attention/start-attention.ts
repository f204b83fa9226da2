import { live } from '../live/live.ts';
import { TabChannel } from '../live/tab-watch.ts';
import { followAttention, needsYou } from './attention.ts';
import { notify } from './notifications.ts';

/** A tab without a stream believes the one that has it; when nobody has, it says nothing rather than something old. */
export function startAttention(): void {
  const channel = new TabChannel();
  followAttention(notify);
  needsYou.subscribe(() => {
    const count = needsYou.get();
    if (count !== null && live.state.get().name === 'live') channel.tell(count);
  });
  live.state.subscribe(() => {
    if (live.state.get().name === 'paused') needsYou.set(null);
  });
  channel.listen((count) => {
    if (live.state.get().name === 'paused') needsYou.set(count);
  });
}
