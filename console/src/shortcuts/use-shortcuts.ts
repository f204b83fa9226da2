import { useEffect, useRef } from 'react';
import { KeySequence, nameOfKey, takesKeys } from './shortcut.ts';

const sequence = new KeySequence();

/** What the keys do while this is shown, by their names; nothing while a field, a menu or a dialog takes them. */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  const current = useRef(actions);
  useEffect(() => {
    current.current = actions;
  });
  useEffect(() => register(current), []);
}

type Registered = { readonly current: Readonly<Record<string, () => void>> };

const registered = new Set<Registered>();

function register(actions: Registered): () => void {
  if (registered.size === 0) window.addEventListener('keydown', press);
  registered.add(actions);
  return () => {
    registered.delete(actions);
    if (registered.size === 0) window.removeEventListener('keydown', press);
  };
}

function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.repeat || event.isComposing || takesKeys(event.target)) return;
  // Who came last lies on top.
  const layers = [...registered].reverse().map(({ current }) => current);
  const keys = sequence.press(nameOfKey(event), new Set(layers.flatMap((actions) => Object.keys(actions))));
  if (keys === null) return;
  event.preventDefault();
  layers.find((actions) => actions[keys] !== undefined)?.[keys]?.();
}
