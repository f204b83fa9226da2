const [QUOTE, BACKSLASH, COMMA, CARRIAGE_RETURN] = [0x22, 0x5c, 0x2c, 0x0d];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const [LETTER_U, LETTER_D, LOWER_CASE] = [0x75, 0x64, 0x20];

export type JsonScan = {
  /** At least as many as there are, of names and items alike. */
  values: number;
  depth: number;
  /** Whether there may be an escaped half of a surrogate pair. */
  hasSurrogateEscape: boolean;
  /** Whether there is a carriage return, or a line or paragraph separator: some readers end a line at these. */
  hasOddLineEnd: boolean;
};

/** What reading JSON would cost, told without building it. Of what is no JSON it tells something; parsing tells that. */
export function scanJson(text: Uint8Array): JsonScan {
  const scan = { values: 1, depth: 0, hasSurrogateEscape: false, hasOddLineEnd: false };
  let level = 0;
  let isInString = false;
  // One loop over bytes: it sees every byte that an agent says.
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) isInString = !isInString;
    else if (byte === 0xe2 && text[at + 1] === 0x80 && ((text[at + 2] ?? 0) | 1) === 0xa9)
      scan.hasOddLineEnd = true;
    else if (isInString) {
      if (byte !== BACKSLASH) continue;
      at++;
      if (text[at] === LETTER_U && ((text[at + 1] ?? 0) | LOWER_CASE) === LETTER_D)
        scan.hasSurrogateEscape = true;
    } else if (byte === COMMA) scan.values++;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      scan.values++;
      if (++level > scan.depth) scan.depth = level;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) level--;
    else if (byte === CARRIAGE_RETURN) scan.hasOddLineEnd = true;
  }
  return scan;
}
