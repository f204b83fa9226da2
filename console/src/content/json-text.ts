/** JSON for readers: indented, and bounded in depth, number and length, so that no value can hang the page. */

export type JsonBounds = { depth: number; entries: number; characters: number };

const bounds: JsonBounds = { depth: 24, entries: 2_000, characters: 20_000 };

export function prettyJson(value: unknown, { depth, entries, characters }: JsonBounds = bounds): string {
  let left = entries;
  const print = (part: unknown, level: number): string => {
    if (typeof part === 'string') return boundedString(part, characters);
    if (typeof part !== 'object' || part === null) return scalar(part);
    const [open, close] = Array.isArray(part) ? ['[', ']'] : ['{', '}'];
    const all = entriesOf(part);
    if (all.length === 0) return `${open}${close}`;
    if (level >= depth || left <= 0) return `${open}…${close}`;
    const indent = '  '.repeat(level + 1);
    const shown = all.slice(0, left);
    left -= shown.length;
    const lines = shown.map(([key, child]) => `${indent}${keyText(part, key)}${print(child, level + 1)}`);
    if (shown.length < all.length) lines.push(`${indent}… (+${all.length - shown.length})`);
    return `${open}\n${lines.join(',\n')}\n${'  '.repeat(level)}${close}`;
  };
  return print(value, 0);
}

/** All of it, for the clipboard; what is nested too deep for the browser is given as far as it is shown. */
export function wholeJson(value: unknown): string {
  try {
    return JSON.stringify(value, null, 2) ?? String(value);
  } catch {
    return prettyJson(value, { ...bounds, entries: 100_000, characters: Number.POSITIVE_INFINITY });
  }
}

/** On one line; what is nested too deep for the browser is given as far as it is shown. */
export function lineJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return prettyJson(value).replace(/\s+/g, ' ');
  }
}

/** What a value is made of, as pairs; the keys of a list are its numbers. */
export function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value);
}

export function scalar(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function keyText(parent: object, key: string): string {
  return Array.isArray(parent) ? '' : `${JSON.stringify(key)}: `;
}

function boundedString(text: string, max: number): string {
  return text.length <= max
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, max))} … (+${text.length - max})`;
}
