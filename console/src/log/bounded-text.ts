/** A text that may be of any size, as far as it is shown: whole characters, and how many are left. */
export function boundText(
  text: string,
  { characters, lines }: { characters: number; lines: number },
): { shown: string; left: number } {
  let end = Math.min(text.length, characters);
  let newline = -1;
  for (let line = 0; line < lines; line++) {
    newline = text.indexOf('\n', newline + 1);
    if (newline === -1 || newline >= end) break;
    if (line === lines - 1) end = newline;
  }
  if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end--;
  return { shown: text.slice(0, end), left: text.length - end };
}
