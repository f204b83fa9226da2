import { shortcuts as sessionList } from '../session-list/shortcuts.ts';
import type { ShortcutGroup } from './shortcut.ts';

/** All keys there are, for the sheet that shows them. */
export const shortcutGroups: readonly ShortcutGroup[] = [
  {
    title: 'shortcuts.everywhere',
    shortcuts: [
      { keys: '?', says: 'shortcuts.show' },
      { keys: 'g s', says: 'shortcuts.toSessions' },
      { keys: 'g n', says: 'shortcuts.toNew' },
      { keys: 'g ,', says: 'shortcuts.toSettings' },
    ],
  },
  { title: 'sessions.keys.title', shortcuts: sessionList },
];
