import type { WordKey } from '../i18n/words.ts';

/** A key, or two one after the other (`g s`), and what it does; `Mod` is Ctrl, or the Mac's command key. */
export type Shortcut = { keys: string; says: WordKey };

export type ShortcutGroup = { title: WordKey; shortcuts: readonly Shortcut[] };

/** Within so much the second key of two follows the first. */
export const SEQUENCE_MS = 1_000;

type Pressed = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** As shortcuts are written: `Mod+k`, `g`, `?`, `Escape`. */
export function nameOfKey({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed): string {
  const name = key.length === 1 && !shiftKey ? key.toLowerCase() : key;
  const parts = [ctrlKey || metaKey ? 'Mod' : null, altKey ? 'Alt' : null, name];
  return parts.filter((part) => part !== null).join('+');
}

/** Whether what has the focus takes keys for itself. */
export function takesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest(
      'input:not([type="checkbox"]), textarea, select, [role="menu"], [role="listbox"], [role="dialog"]',
    ) !== null
  );
}

/** Turns keys into the shortcuts that they complete; the first key of two waits for the second. */
export class KeySequence {
  readonly #now: () => number;
  #first: { name: string; at: number } | null = null;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  press(name: string, known: ReadonlySet<string>): string | null {
    const { name: before, at } = this.#first ?? { name: '', at: Number.NEGATIVE_INFINITY };
    this.#first = null;
    const both = `${before} ${name}`;
    if (this.#now() - at <= SEQUENCE_MS && known.has(both)) return both;
    if (known.has(name)) return name;
    if ([...known].some((keys) => keys.startsWith(`${name} `))) this.#first = { name, at: this.#now() };
    return null;
  }
}
