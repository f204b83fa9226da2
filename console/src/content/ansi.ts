// biome-ignore-all lint/suspicious/noControlCharactersInRegex: What terminals obey is made of control characters.
import Anser from 'anser';
import { boundLine } from './bounds.ts';

/*
 * What a program wrote to a terminal, as lines of coloured text. Colours and weights are kept; whatever moves the cursor,
 * clears, sets titles or links is dropped, for it could show something else than was written. Text that is declared
 * hidden is shown.
 */

export type AnsiSpan = {
  text: string;
  /** `r, g, b` */
  color: string | null;
  background: string | null;
  isBold: boolean;
  isDim: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
  isStruck: boolean;
  /** The terminal's own colours, swapped. */
  isReversed: boolean;
};
export type AnsiLine = readonly AnsiSpan[];

// ESC is \x1b, CSI also \x9b, OSC also \x9d; a string of commands ends with BEL or ST. One that never ends ends with its line.
const COMMAND_STRINGS = /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x9c|\x1b\\)?/g;
const OTHER_CSI = /(?:\x1b\[|\x9b)(?![\d;:]*m)[0-?]*[ -/]*[@-~]?/g;
const COLOURS = /(?:\x1b\[|\x9b)([\d;:]*)m/g;
const OTHER_ESCAPES = /\x1b(?!\[[\d;]*m)[ -/]*[0-~]?/g;
const CONTROLS = /[\p{Cc}--[\t\n\x1b]]/gv;
const MOST_SPANS = 20_000;

/** The lines of an excerpt: bound the text before. */
export function readAnsi(text: string): AnsiLine[] {
  const chunks = Anser.ansiToJson(cleanAnsi(text), { use_classes: false, remove_empty: true });
  const lines: AnsiSpan[][] = [[]];
  for (const chunk of chunks.slice(0, MOST_SPANS)) addChunk(lines, chunk);
  if (chunks.length > MOST_SPANS) lines.push([plainSpan(`… (+${chunks.length - MOST_SPANS})`)]);
  return lines;
}

/** The text without any escapes. */
export function stripAnsi(text: string): string {
  return cleanAnsi(text).replace(COLOURS, '');
}

/** Only colours and text are left; a line that was written over shows what stood there last. */
function cleanAnsi(text: string): string {
  return text
    .replace(COMMAND_STRINGS, '')
    .replace(OTHER_CSI, '')
    .replace(COLOURS, (_, numbers: string) => `\x1b[${numbers.replaceAll(':', ';')}m`)
    .replace(OTHER_ESCAPES, '')
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map(lastWritten)
    .join('\n');
}

function lastWritten(line: string): string {
  const written = line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return written.replace(CONTROLS, (control) => (control === '\x1b' ? control : pictureOf(control)));
}

/** The controls have pictures of their own in Unicode. */
function pictureOf(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}

function addChunk(lines: AnsiSpan[][], chunk: Anser.AnserJsonEntry): void {
  const look = lookOf(chunk);
  for (const [index, text] of chunk.content.split('\n').entries()) {
    if (index > 0) lines.push([]);
    if (text !== '') lines.at(-1)?.push({ ...look, text: boundLine(text) });
  }
}

/** Anser swaps what is reversed, and takes a terminal without colours of its own for white on black. */
function lookOf(chunk: Anser.AnserJsonEntry & { isInverted?: boolean }): Omit<AnsiSpan, 'text'> {
  const { fg, bg, decorations } = chunk;
  const isReversed = chunk.isInverted === true && isColour(fg, 0) && isColour(bg, 255);
  return {
    color: isReversed ? null : readable(fg ?? null, bg ?? null),
    background: isReversed ? null : (bg ?? null),
    isBold: decorations.includes('bold'),
    isDim: decorations.includes('dim'),
    isItalic: decorations.includes('italic'),
    isUnderlined: decorations.includes('underline'),
    isStruck: decorations.includes('strikethrough'),
    isReversed,
  };
}

function isColour(color: string | null, channel: number): boolean {
  return color?.split(',').every((part) => Number(part) === channel) === true;
}

/** On a ground of its own, a colour that cannot be read gives way to black or white. */
function readable(color: string | null, background: string | null): string | null {
  if (background === null) return color;
  if (color !== null && contrast(color, background) >= 4.5) return color;
  return contrast('0, 0, 0', background) >= contrast('255, 255, 255', background)
    ? '0, 0, 0'
    : '255, 255, 255';
}

/** As WCAG has it, from 1 to 21; colours as `r, g, b`. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = color.split(',').map((part) => linear(Number(part) / 255));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

function plainSpan(text: string): AnsiSpan {
  return {
    text,
    color: null,
    background: null,
    isBold: false,
    isDim: true,
    isItalic: false,
    isUnderlined: false,
    isStruck: false,
    isReversed: false,
  };
}
