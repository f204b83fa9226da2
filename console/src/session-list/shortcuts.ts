import type { WordKey } from '../i18n/words.ts';

/** What keys do on the list: use-list-keys.ts obeys them. */
export const shortcuts: readonly { keys: string; says: WordKey }[] = [
  { keys: 'j', says: 'sessions.keys.next' },
  { keys: 'k', says: 'sessions.keys.previous' },
  { keys: 'Enter', says: 'sessions.keys.open' },
  { keys: 'x', says: 'sessions.keys.select' },
  { keys: 'Shift+J', says: 'sessions.keys.extendDown' },
  { keys: 'Shift+K', says: 'sessions.keys.extendUp' },
  { keys: 'p', says: 'sessions.keys.pin' },
  { keys: 'e', says: 'sessions.keys.archive' },
  { keys: 'u', says: 'sessions.keys.unread' },
  { keys: 'Delete', says: 'sessions.keys.delete' },
  { keys: '/', says: 'sessions.keys.search' },
  { keys: 'Escape', says: 'sessions.keys.clear' },
];
