/*
 * What a pattern would take quadratic time for, where an opening mark stands again and again and the closing one
 * nowhere.
 */

export type Marks = { open: string; close: string };

/** What stands between the first `open` and the next `close` after it; undefined where there is no such place. */
export function textBetween(text: string, { open, close }: Marks): string | undefined {
  const start = text.indexOf(open);
  if (start === -1) return undefined;
  const end = text.indexOf(close, start + open.length);
  return end === -1 ? undefined : text.slice(start + open.length, end);
}

/** Replaces every part from an `open` to the next `close`, marks and all. */
export function replaceMarked(
  text: string,
  { open, close }: Marks,
  replace: (part: string) => string,
): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf(open, at);
    const end = start === -1 ? -1 : text.indexOf(close, start + open.length);
    if (end === -1) return parts.join('') + text.slice(at);
    parts.push(text.slice(at, start), replace(text.slice(start, end + close.length)));
    at = end + close.length;
  }
}
