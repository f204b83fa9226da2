import { GreenroomError } from '@greenroom/client';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { signedOut } from '../api/signed-out.ts';
import { LiveConnection } from './live-connection.ts';
import { tabChannel } from './tab-channel.ts';
import { TabWatch } from './tab-watch.ts';

/** The stream of this tab. */
export const live = new LiveConnection({
  client,
  onReady: (isFirst) => {
    // The server may have been away when the page came: what was read before the first time is new, or failed.
    void queryClient.invalidateQueries(isFirst ? { predicate: ({ state }) => state.status === 'error' } : {});
  },
  isSignedOut: (error) => error instanceof GreenroomError && error.status === 401,
  onSignedOut: () => signedOut.set(true),
  onFollowerError: reportError,
});

/** A sleep of the machine shows as a timer that was late, by so much; so does a clock that was put right. */
const SLEEP_MS = 60_000;
const LOOK_MS = 10_000;

/** Starts it, and has it try again as soon as there is a reason to. */
export function startLive(): void {
  const locks = navigator.locks as LockManager | undefined;
  new TabWatch({ live, document, window, channel: tabChannel, locks }).start();
  window.addEventListener('online', () => live.wake(true));
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.wake();
  });
  let lookedAt = Date.now();
  setInterval(() => {
    if (Math.abs(Date.now() - lookedAt - LOOK_MS) > SLEEP_MS) live.wake(true);
    lookedAt = Date.now();
  }, LOOK_MS);
}
