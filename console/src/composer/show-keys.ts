import { isApple } from '../util/platform.ts';

/** Keys as the keyboard at hand names them. */
export function showKeys(keys: string): string {
  const names: Record<string, string> = isApple
    ? { Mod: '⌘', Alt: '⌥', Shift: '⇧', Enter: '⏎' }
    : { Mod: 'Ctrl', Alt: 'Alt', Shift: 'Shift', Enter: 'Enter' };
  return keys
    .split('+')
    .map((key) => names[key] ?? key)
    .join(isApple ? '' : '+');
}
