/** Where the focus is as a key goes down: in a card, on nothing at all, or on something that the key was meant for. */
export type FocusPlace = 'card' | 'nowhere' | 'elsewhere';

type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'repeat' | 'isComposing' | 'defaultPrevented'
>;

/** What a key answers: `y` allows, `n` denies, and only where nothing else can have been meant. */
export function actOfKey(press: KeyPress, place: FocusPlace): 'allow' | 'deny' | null {
  if (place === 'elsewhere' || press.repeat || press.isComposing || press.defaultPrevented) return null;
  if (press.ctrlKey || press.metaKey || press.altKey || press.shiftKey) return null;
  return press.key === 'y' ? 'allow' : press.key === 'n' ? 'deny' : null;
}

const TAKES_KEYS =
  'input, textarea, select, [contenteditable], [role="radio"], [role="checkbox"], [role="menu"]';

export function focusPlace(focused: Element | null, card: Element): FocusPlace {
  if (focused === null || focused === document.body || focused.id === 'main') return 'nowhere';
  if (!card.contains(focused) || focused.matches(TAKES_KEYS)) return 'elsewhere';
  return 'card';
}

/** Whether one sees it: on the screen, and under nothing. */
export function isSeen(element: Element): boolean {
  const { left, top, width, height } = element.getBoundingClientRect();
  const there = document.elementFromPoint(left + width / 2, top + height / 2);
  return there !== null && (element.contains(there) || there.contains(element));
}
