import type { SessionState } from '@greenroom/client';

const states: readonly string[] = ['working', 'needs_you', 'unread', 'idle'] satisfies SessionState[];

/** What the address of the list says: which sessions are wanted. */
export type SessionListSearch = {
  state?: SessionState;
  /** Part of a title, a prompt or an id. */
  q?: string;
  /** `key:value` of the metadata. */
  label?: string;
  archived?: true;
};

export function readSessionListSearch(search: Record<string, unknown>): SessionListSearch {
  const { state, q, label, archived } = search;
  return {
    ...(isState(state) && { state }),
    ...(typeof q === 'string' && q !== '' && { q }),
    ...(typeof label === 'string' && label !== '' && { label }),
    ...(archived === true && { archived }),
  };
}

function isState(value: unknown): value is SessionState {
  return typeof value === 'string' && states.includes(value);
}
