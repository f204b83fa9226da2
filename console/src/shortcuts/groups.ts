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
  {
    title: 'composer.keys.title',
    shortcuts: [
      { keys: 'c', says: 'composer.keys.focus' },
      { keys: 'Enter', says: 'composer.keys.send' },
      { keys: 'Shift+Enter', says: 'composer.keys.newline' },
      { keys: 'Alt+Enter', says: 'composer.keys.queue' },
      { keys: 'Mod+Enter', says: 'composer.keys.queue' },
      { keys: 'Mod+Shift+Enter', says: 'composer.keys.interrupt' },
      { keys: 'Escape Escape', says: 'composer.keys.stop' },
      { keys: '@', says: 'composer.keys.mention' },
    ],
  },
  { title: 'sessions.keys.title', shortcuts: sessionList },
];
