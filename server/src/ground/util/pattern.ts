/** Whether a name matches a pattern in which `*` stands for any text and `[5-9]` for one character of a range. */
export function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern
    .split(/(\*|\[\w-\w\])/)
    .map((part) => (part === '*' ? '.*' : /^\[\w-\w\]$/.test(part) ? part : escapeText(part)))
    .join('');
  return new RegExp(`^${source}$`, 'is').test(name);
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
