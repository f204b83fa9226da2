/*
 * What this browser keeps for its reader. Storage may be closed to the page, or full: then things are kept for as long as
 * the page is open, and nothing else is different.
 */

const unstored = new Map<string, unknown>();

/** Null when there is none, or what is there cannot be read. */
export function remembered<T>(key: string): T | null {
  if (unstored.has(key)) return unstored.get(key) as T;
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

/** The names of what is kept that begin so. */
export function rememberedKeys(prefix: string): string[] {
  const names = new Set(unstored.keys());
  try {
    for (const name of Object.keys(localStorage)) names.add(name);
  } catch {
    // Closed to the page: there is only what this page keeps.
  }
  return [...names].filter((name) => name.startsWith(prefix));
}

/** What is of this browser, and of nobody who signs in. */
const preferences = ['greenroom.theme', 'greenroom.locale', 'greenroom.notifications'];

/** Whoever signs out leaves no drafts behind. */
export function forgetReader(): void {
  for (const key of rememberedKeys('greenroom.')) if (!preferences.includes(key)) remember(key, null);
}

/** Null forgets it. */
export function remember(key: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    unstored.delete(key);
  } catch {
    unstored.set(key, value);
  }
}
