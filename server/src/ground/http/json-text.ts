const MAX_DEPTH = 64;
/** To parse, check and describe each takes microseconds, in which nobody else is served. */
const MAX_KEYS = 10_000;
const MAX_VALUES = 200_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const [OPEN_ARRAY, OPEN_OBJECT, CLOSE_ARRAY, CLOSE_OBJECT] = [0x5b, 0x7b, 0x5d, 0x7d];

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
    else if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth++;
    else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth--;
    else continue;
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (keys > MAX_KEYS) return `has more than ${MAX_KEYS} keys in all`;
    if (values > MAX_VALUES) return `has more than ${MAX_VALUES} values in all`;
  }
  return null;
}

/** The index of the quote that ends the string; of the end of the text where none does. */
function endOfString(json: string, start: number): number {
  // One loop: a search for each quote costs more where there are many.
  for (let at = start + 1; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return json.length;
}
