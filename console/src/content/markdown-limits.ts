/*
 * Readers of Markdown look again at what came before for each mark of emphasis, link or tag, and go a call deeper for
 * each quote or list within another; a table has a cell for each of its columns in each row, written or not. A text made
 * for it holds the page for minutes, or breaks it. Nobody writes so.
 */

const MOST_MARKS = 3_000;
const DEEPEST = 40;
/** Of all lines of lists and quotes together: what is within another is looked through again for each. */
const MOST_LEVELS = 20_000;
const MOST_CELLS = 10_000;

// A paragraph ends with an empty line, and where a list, table, heading or quote goes on.
const PARAGRAPHS = /\n(?=[ \t]*(?:\n|[-*+|#>`]|\d{1,9}[.)]\s))/;
const MARKS = /[*_~[\]<&`!]/g;
const NESTED = /^(?:[ \t]*(?:[-*+>]|\d{1,9}[.)]))+/gm;
const LEVELS = /[-*+>]|\d{1,9}[.)]/g;
const RULE = /^[ \t]*([-*_])(?:[ \t]*\1)*[ \t]*$/gm;
const BLOCKS = /\n[ \t]*\n/;
/** The row that makes a table of what stands around it. */
const DELIMITERS = /^[ \t>|:-]+$/gm;

/** Whether a text is better shown as it was written. */
export function isOverdone(text: string): boolean {
  return isTooDeep(text) || hasTooManyMarks(text) || countCells(text) > MOST_CELLS;
}

function hasTooManyMarks(text: string): boolean {
  return text.split(PARAGRAPHS).some((paragraph) => countOf(paragraph, MARKS) > MOST_MARKS);
}

function isTooDeep(text: string): boolean {
  let levels = 0;
  for (const [line] of text.replace(RULE, '').matchAll(NESTED)) {
    const depth = Math.max(countOf(line, LEVELS), indentOf(line) / 2);
    levels += depth;
    if (countOf(line, LEVELS) >= DEEPEST || indentOf(line) >= DEEPEST * 4 || levels > MOST_LEVELS)
      return true;
  }
  return false;
}

function countCells(text: string): number {
  let cells = 0;
  for (const block of text.split(BLOCKS)) {
    const rows = (block.match(DELIMITERS) ?? []).filter((row) => row.includes('|'));
    cells += Math.max(0, ...rows.map((row) => countOf(row, /-+/g))) * countOf(block, /\n/g);
  }
  return cells;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
