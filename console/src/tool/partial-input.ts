import type { ToolCall } from '../log/item.ts';
import type { Fields } from '../util/shapes.ts';

/*
 * An input that is still being written is the beginning of an object in JSON. Its texts are read as far as they go. It
 * grows by a few characters at a time and may be megabytes in the end: only its beginning is read for what the call is
 * about, and only its end for what is being written.
 */

const HEAD = 8_000;
const TAIL = 4_000;
const STRING_FIELD = /"([A-Za-z_]\w*)"\s*:\s*"((?:[^"\\]|\\.)*)("?)/gs;

/** The input as far as it is known: all of it, or the texts that its beginning has. */
export function knownInput({ input, inputText }: Pick<ToolCall, 'input' | 'inputText'>): Fields {
  return input ?? partialFields(inputText);
}

/** The texts of an unfinished object, the last one as far as it goes. */
export function partialFields(text: string): Fields {
  const fields: Record<string, unknown> = {};
  for (const [, name = '', value = ''] of text.slice(0, HEAD).matchAll(STRING_FIELD)) {
    if (!Object.hasOwn(fields, name)) define(fields, name, withoutEscapes(value));
  }
  return fields;
}

/** The end of what is being written, without the escapes of JSON. */
export function writtenTail(text: string): string {
  if (text.length <= TAIL) return withoutEscapes(lastValue(text));
  // Not from within an escape.
  const tail = text.slice(-TAIL).replace(/^[^\\]*?(?=\\n|\s)/, '');
  return withoutEscapes(tail);
}

function lastValue(text: string): string {
  return [...text.matchAll(STRING_FIELD)].at(-1)?.[2] ?? '';
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '', b: '', f: '' };

/** Of the inside of a JSON string, which may end within an escape. */
function withoutEscapes(text: string): string {
  return text
    .replace(/\\(?:u[\da-fA-F]{0,3})?$/, '')
    .replace(/\\(?:u([\da-fA-F]{4})|(.))/gs, (_, code: string | undefined, letter: string) =>
      code === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

/** Also where it is called `__proto__`. */
function define(fields: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}
