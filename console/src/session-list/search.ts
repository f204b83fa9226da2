import type { SessionState } from '@greenroom/client';
import { parseLabel } from './label.ts';

const states: readonly string[] = ['working', 'needs_you', 'unread', 'idle'] satisfies SessionState[];

/** What the server takes. */
const MAX_TEXT = 200;

/** What the address of the list says: which sessions are wanted. */
export type SessionListSearch = {
  state?: SessionState;
  /** Part of a title or a prompt, or the beginning of an id. */
  q?: string;
  /** `key:value` of the metadata. */
  label?: string;
  pinned?: true;
  archived?: true;
};

export function readSessionListSearch(search: Record<string, unknown>): SessionListSearch {
  const { state, label, pinned, archived } = search;
  const q = readText(search.q);
  return {
    ...(isState(state) && { state }),
    ...(q !== '' && { q }),
    ...(typeof label === 'string' && parseLabel(label) !== null && { label }),
    ...(pinned === true && { pinned }),
    ...(archived === true && { archived }),
  };
}

function isState(value: unknown): value is SessionState {
  return typeof value === 'string' && states.includes(value);
}

/** Typed by hand, digits are a number to the router. */
function readText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, MAX_TEXT) : '';
}
