const MAX_DEPTH = 64;
/** To parse, check and describe each takes microseconds, in which nobody else is served. */
const MAX_KEYS = 10_000;
const MAX_VALUES = 200_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** What makes a JSON text too costly to be parsed and checked, or null: it is counted, strings are skipped. */
export function refuseShape(json: string): string | null {
  let depth = 0;
  let keys = 0;
  let values = 0;
  for (let index = 0; index < json.length; index++) {
    const code = json.charCodeAt(index);
    if (code === QUOTE) index = endOfString(json, index);
    else if (code === COLON) keys++;
    else if (code === COMMA) values++;
    else if (OPENING.has(code)) depth++;
    else if (CLOSING.has(code)) depth--;
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (keys > MAX_KEYS) return `has more than ${MAX_KEYS} keys in all`;
    if (values > MAX_VALUES) return `has more than ${MAX_VALUES} values in all`;
  }
  return null;
}

/** The index of the quote that ends the string; of the end of the text where none does. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    if (backslashesBefore(json, end) % 2 === 0) return end;
  }
  return json.length;
}

function backslashesBefore(json: string, end: number): number {
  let count = 0;
  while (json.charCodeAt(end - 1 - count) === BACKSLASH) count++;
  return count;
}
