// Unicode's controls of direction: in a line among others they would turn what stands beside them around.
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const GAPS = /[\s\p{Cc}]+/gu;

/** Of a text of any size, so much is looked at for each character that is shown. */
const LOOKED_AT = 8;

/** The beginning of a text on one line of `max` UTF-16 units at most, without controls; with an ellipsis where it goes on. */
export function oneLine(text: string, max: number): string {
  const start = text.slice(0, max * LOOKED_AT);
  const line = start.toWellFormed().replace(DIRECTIONS, '').replace(GAPS, ' ').trim();
  if (line.length <= max && start.length === text.length) return line;
  const cut = line.slice(0, max - 1);
  // Not in the middle of a surrogate pair.
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
