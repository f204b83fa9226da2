import type { SessionStatus } from '@greenroom/client';

/** What the session does, as far as it matters to whoever speaks to it: `waiting` has a turn that has not begun. */
export type Standing = 'idle' | 'waiting' | 'running';

export function standingOf(status: SessionStatus): Standing {
  if (status === 'running') return 'running';
  return status === 'pending' ? 'waiting' : 'idle';
}

/** The ways to say something. `send` is the only one where nothing runs or waits. */
export type Act = 'send' | 'steer' | 'queue' | 'interrupt';
export type SentAs = 'queue' | 'steer' | 'interrupt';

/** Those that make a difference; the first is what Enter does. Where nothing runs yet there is nothing to steer. */
export const actsOf: Record<Standing, readonly [Act, ...Act[]]> = {
  idle: ['send'],
  waiting: ['queue', 'interrupt'],
  running: ['steer', 'queue', 'interrupt'],
};

export function deliveryOf(act: Act): SentAs {
  return act === 'send' ? 'queue' : act;
}

/** The keys of each act, as they are written. */
export const keysOf: Record<Act, string> = {
  send: 'Enter',
  steer: 'Enter',
  queue: 'Alt+Enter',
  interrupt: 'Mod+Shift+Enter',
};

export type Press = {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  /** An input method is still composing: the key chooses a word, and is none of ours. */
  isComposing: boolean;
};

/**
 * What a key does in the text: null is what it always does. On touch screens Enter is a new line, since there is no
 * Shift-Enter; the button sends.
 */
export function actOfKey(press: Press, standing: Standing, isTouch = false): Act | null {
  if (press.key !== 'Enter' || press.isComposing) return null;
  const isMod = press.ctrlKey || press.metaKey;
  const [usual, ...others] = actsOf[standing];
  const wanted = wantedAct(press, isMod);
  if (wanted === 'usual') return isTouch ? null : usual;
  if (wanted === null) return null;
  return wanted === usual || others.includes(wanted) ? wanted : usual;
}

function wantedAct({ altKey, shiftKey }: Press, isMod: boolean): 'usual' | 'queue' | 'interrupt' | null {
  if (isMod && shiftKey) return 'interrupt';
  if (shiftKey) return null;
  return isMod || altKey ? 'queue' : 'usual';
}
