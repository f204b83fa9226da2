/* A path that is mentioned in a text: `@src/index.ts`, or `@"with spaces.txt"`. */

export type Mention = {
  /** Of the `@`, and of the caret. */
  from: number;
  to: number;
  /** What is typed of the path. */
  query: string;
};

// NOTE: addresses of mail have an @, too, but something of ASCII before it. Japanese has no spaces between words.
const BEFORE = String.raw`(?<![A-Za-z0-9_.+\-@/])`;
const AT_CARET = new RegExp(`${BEFORE}@(?:"([^"\n]*)|([^\\s"@]*))$`);
/** Longer ones are none: the text before the caret may be large. */
const MAX_LENGTH = 1_000;

/** The mention that the caret stands in, if it does. */
export function mentionAt(text: string, caret: number): Mention | null {
  const start = Math.max(0, caret - MAX_LENGTH);
  const found = AT_CARET.exec(text.slice(start, caret));
  if (found === null) return null;
  return { from: start + found.index, to: caret, query: found[1] ?? found[2] ?? '' };
}

const PLAIN = /^[^\s"'`()[\]{}<>,;:!?、。「」（）]+$/;

/** As it is written in a text. */
export function writeMention(path: string): string {
  return PLAIN.test(path) ? `@${path}` : `@"${path}"`;
}

/** The text with the path in the mention's place. A directory stays open, for what is below it. */
export function completeMention(
  text: string,
  { from, to }: Mention,
  { path, isDirectory }: { path: string; isDirectory: boolean },
): { text: string; caret: number } {
  const whole = writeMention(isDirectory ? `${path}/` : path);
  const written = isDirectory ? whole.replace(/"$/, '') : whole;
  const after = text.slice(to).replace(/^"/, '');
  const space = isDirectory || /^\s/.test(after) ? '' : ' ';
  const caret = from + written.length + (isDirectory ? 0 : 1);
  return { text: text.slice(0, from) + written + space + after, caret };
}

/** At the end of a text, as a word of its own. */
export function appendMention(text: string, path: string): string {
  const space = text === '' || /\s$/.test(text) ? '' : ' ';
  return `${text}${space}${writeMention(path)} `;
}

/** Names with a line break or a quote in them cannot be told from the text around them. */
export function isMentionable(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that are meant
  return !/["\u0000-\u001f\u007f]/.test(path);
}
