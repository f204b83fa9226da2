/*
 * What agents write may be megabytes, in one line or in a million. A page shows a piece of it, says how much more there
 * is, and hands out more on demand.
 */

export type Excerpt = {
  text: string;
  /** Of the excerpt. */
  lines: number;
  /** How many are left out; a last empty line counts for nothing. */
  hiddenLines: number;
};

const LONGEST_LINE = 2_000;
const LONGEST_TEXT = 400_000;

export function countLines(text: string): number {
  if (text === '') return 0;
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return text.endsWith('\n') ? lines - 1 : lines;
}

/** The first lines, each no longer than the eye follows. */
export function firstLines(text: string, max: number): Excerpt {
  const end = positionAfter(text, max);
  return excerpt(text.slice(0, end), countLines(text.slice(end)));
}

/** The last lines: where a program says how it ended. */
export function lastLines(text: string, max: number): Excerpt {
  const all = countLines(text);
  const start = all <= max ? 0 : positionAfter(text, all - max);
  return excerpt(text.slice(start), Math.max(0, all - max), 'end');
}

/** The beginning, with its lines whole: for prose, of which a paragraph is a line. */
export function startOf(text: string, { lines, characters }: { lines: number; characters: number }): string {
  const head = text.slice(0, characters);
  return wholeCharacters(head.slice(0, positionAfter(head, lines)));
}

/** The end, for prose that is being written. */
export function endOf(text: string, { lines, characters }: { lines: number; characters: number }): string {
  let start = text.length;
  for (let line = 0; line < lines && start > 0; line += 1) start = text.lastIndexOf('\n', start - 1);
  const from = Math.max(start < 0 ? 0 : start, text.length - characters);
  return from === 0 ? text : text.slice(from).replace(/^[\udc00-\udfff]/, '');
}

/** A line cut where no reader goes on; what is left out is said by its number of characters. */
export function boundLine(line: string, max = LONGEST_LINE): string {
  if (line.length <= max) return line;
  return `${wholeCharacters(line.slice(0, max))}… (+${line.length - max})`;
}

/** One line for a row: its first words. Odd kinds of white space stay, to be shown as what they are. */
export function oneLine(text: string, max = 400): string {
  const head = text
    .slice(0, max * 4)
    .replace(/[ \t\r\n]+/g, ' ')
    .trim();
  const isCut = head.length > max || text.length > max * 4;
  return isCut ? `${wholeCharacters(head.slice(0, max))}…` : head;
}

function positionAfter(text: string, lines: number): number {
  let at = 0;
  for (let line = 0; line < lines; line += 1) {
    const end = text.indexOf('\n', at);
    if (end === -1) return text.length;
    at = end + 1;
  }
  return at;
}

function excerpt(text: string, hiddenLines: number, keep: 'start' | 'end' = 'start'): Excerpt {
  const bounded = text.split('\n').map((line) => boundLine(line));
  const shown = boundText(bounded.join('\n').replace(/\n$/, ''), keep);
  return { text: shown, lines: countLines(shown), hiddenLines };
}

function boundText(text: string, keep: 'start' | 'end'): string {
  if (text.length <= LONGEST_TEXT) return text;
  const note = `… (+${text.length - LONGEST_TEXT})`;
  return keep === 'start'
    ? `${text.slice(0, LONGEST_TEXT)}\n${note}`
    : `${note}\n${text.slice(text.length - LONGEST_TEXT)}`;
}

/** No half of a character at the end. */
function wholeCharacters(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}
