import { consolePath } from '../api/client.ts';
import { say } from '../i18n/locale.ts';
import { remember, remembered } from '../util/remembered.ts';
import { Store } from '../util/store.ts';
import type { Call } from './attention.ts';

/*
 * Notifications of the desktop: for whoever asked for them, and only while the page is not looked at. The browser is asked
 * for its permission when the switch is turned on, never before.
 */

const STORAGE_KEY = 'greenroom.notifications';

export type NotificationState = 'off' | 'on' | 'denied' | 'unsupported';

export const notificationState = new Store<NotificationState>(currentState());

function currentState(): NotificationState {
  // Browsers have them for pages that came over HTTPS or from this machine.
  if (typeof Notification === 'undefined' || !window.isSecureContext) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  return remembered(STORAGE_KEY) === true && Notification.permission === 'granted' ? 'on' : 'off';
}

export async function turnNotifications(isOn: boolean): Promise<void> {
  if (isOn) await Notification.requestPermission();
  remember(STORAGE_KEY, isOn);
  notificationState.set(currentState());
}

/** Several tabs may say the same: the browser shows one for each `tag`. */
export function notify(calls: readonly Call[]): void {
  if (document.visibilityState === 'visible' || notificationState.get() !== 'on') return;
  for (const { sessionId, why, title } of calls) {
    const body = say(why === 'needs_you' ? 'notifications.needsYou' : 'notifications.done');
    try {
      const shown = new Notification(title.slice(0, 120), { body, tag: `${sessionId}:${why}` });
      shown.onclick = () => {
        window.focus();
        window.location.assign(`${consolePath}sessions/${sessionId}`);
        shown.close();
      };
    } catch {
      // Phones have them for service workers alone.
      notificationState.set('unsupported');
    }
  }
}
