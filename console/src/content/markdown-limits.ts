/*
 * Readers of Markdown look again at what came before for each mark of emphasis, link or tag, and go a call deeper for
 * each quote or list within another: a text made for it holds the page for minutes, or breaks it. Nobody writes so.
 */

const MOST_MARKS = 3_000;
const DEEPEST = 40;

// A paragraph ends with an empty line, and where a list, table, heading or quote goes on.
const PARAGRAPHS = /\n(?=[ \t]*(?:\n|[-*+|#>`]|\d{1,9}[.)]\s))/;
const MARKS = /[*_~[\]<&`!]/g;
const NESTING = new RegExp(`^(?:[ \\t]*(?:[-*+>]|\\d{1,9}[.)])){${DEEPEST},}`, 'm');
const INDENT = new RegExp(`^[ \\t]{${DEEPEST * 4},}(?:[-*+>]|\\d{1,9}[.)]) `, 'm');
const RULE = /^[ \t]*([-*_])(?:[ \t]*\1)*[ \t]*$/gm;

/** Whether a text is better shown as it was written. */
export function isOverdone(text: string): boolean {
  const withoutRules = text.replace(RULE, '');
  if (NESTING.test(withoutRules) || INDENT.test(withoutRules)) return true;
  return text.split(PARAGRAPHS).some((paragraph) => (paragraph.match(MARKS)?.length ?? 0) > MOST_MARKS);
}
