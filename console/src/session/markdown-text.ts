/*
 * Text of strangers within a Markdown file. What it says stays readable; nothing of it leaves its place: a fence that it
 * opens, HTML, and links that run something or load something when the file is looked at.
 */

/** In a block of its own, whose fence is longer than any in it. */
export function fence(text: string, language = ''): string {
  const mark = '`'.repeat(Math.max(2, longestRun(text)) + 1);
  return `${mark}${language}\n${text.replace(/\n$/, '')}\n${mark}`;
}

/** In one line, as code. */
export function inlineCode(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  if (line === '') return '';
  const longest = longestRun(line);
  const mark = '`'.repeat(longest + 1);
  return longest === 0 ? `${mark}${line}${mark}` : `${mark} ${line} ${mark}`;
}

/** Of backticks. There may be more runs of them than a function takes arguments. */
function longestRun(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}

/** In one line, as words. */
export function plainLine(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_{}[\]()#+!|<>~&-]/g, '\\$&');
}

/** Markdown of its own, as a quotation: what it opens ends with it. */
export function quote(markdown: string): string {
  return neutralise(markdown)
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
}

const FENCE = /^ {0,3}(`{3,}|~{3,})(.*)$/;

/** Without HTML, images from elsewhere, and links other than to pages and mail; code stays as it is. */
export function neutralise(markdown: string): string {
  let open: string | null = null;
  const lines = markdown.split(/\r\n?|\n/).map((line) => {
    const [, mark = '', rest = ''] = FENCE.exec(line) ?? [];
    if (open === null && mark !== '' && !(mark.startsWith('`') && rest.includes('`'))) open = mark;
    else if (open === null) return neutraliseLine(line);
    else if (mark.startsWith(open) && rest.trim() === '') open = null;
    return line;
  });
  return [...lines, ...(open === null ? [] : [open])].join('\n');
}

/** Code between backticks is left alone; it may not reach over lines here, so less is taken for code than is shown as it. */
function neutraliseLine(line: string): string {
  return line
    .split(/((?<!`)(`+)(?!`)(?:.*?[^`])\2(?!`))/)
    .flatMap((part, index) => {
      // Of three: what is between, the code, and its backticks.
      if (index % 3 === 2) return [];
      return [index % 3 === 1 ? part : neutraliseWords(part)];
    })
    .join('');
}

const FOREIGN_SCHEME = String.raw`(?!https?:|mailto:)[a-z][a-z0-9+.\-]*(?::|&)`;

function neutraliseWords(text: string): string {
  return text
    .replace(/<(?=[a-z/!?])/gi, '\\<')
    .replace(/!\[/g, '!\\[')
    .replace(new RegExp(String.raw`\]\((?=\s*(?:<\s*)?${FOREIGN_SCHEME})`, 'gi'), ']\\(')
    .replace(new RegExp(String.raw`\]:(?=\s*(?:<\s*)?${FOREIGN_SCHEME})`, 'gi'), ']\\:');
}
