import type { LineComment } from './comments.ts';

const LONGEST_LINE = 200;

/**
 * What the agent is told: by file and line, each with the line as it was. Lines are the agent's own text and may hold
 * anything: they stand in fences that are longer than any in them.
 */
export function toMessage(comments: readonly LineComment[], intro: string): string {
  const byPath = Map.groupBy(comments, (comment) => comment.path);
  const files = [...byPath].map(([path, all]) => {
    const sorted = [...all].sort((a, b) => a.line - b.line);
    return [`File ${quote(path)}`, ...sorted.map(describe)].join('\n\n');
  });
  return [intro, ...files].join('\n\n');
}

function describe({ side, line, lineText, text }: LineComment): string {
  const where = side === 'old' ? `line ${line} as it was before` : `line ${line}`;
  return `- ${where}: ${quote(lineText.trim().slice(0, LONGEST_LINE))}\n${indent(text.trim())}`;
}

/** A piece of code in a line of Markdown, whatever backticks are in it. */
function quote(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const isPlain = longest === 0 && text.trim() !== '';
  return isPlain ? `${fence}${text}${fence}` : `${fence} ${text} ${fence}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
