/** What the scanner meets, in order. Offsets are into the text; those of strings leave the quotes out. */
export type JsonVisitor = {
  open(isArray: boolean, at: number): void;
  close(end: number): void;
  key(start: number, end: number, isEscaped: boolean): void;
  string(start: number, end: number, isEscaped: boolean): void;
  /** A number, `true`, `false` or `null`. */
  scalar(start: number, end: number): void;
};

/** The text is not JSON, or is none that is taken: the message says what is wrong with it. */
export class JsonProblem extends Error {}

export const MAX_DEPTH = 256;
const MAX_SCALAR_BYTES = 128;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const isSpace = bytesOf(' \t\n\r');
const isEscape = bytesOf('"\\/bfnrt');
const isHexDigit = bytesOf('0123456789abcdefABCDEF');
const isScalarByte = bytesOf('+-.0123456789abcdefghijklmnopqrstuvwxyzE');
/** Ends a run of plain text in a string. */
const isSpecialInString = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
const scalarForm = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;

/** What may come next, beside white space. */
type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing';

/**
 * Reads JSON as strictly as RFC 8259 has it while its bytes arrive, and builds nothing: it tells a visitor what is where.
 * Its cost is linear and its memory constant, whatever is sent. (Whether the text is UTF-8 is for others to say.)
 */
export class JsonScanner {
  readonly #bytes: Buffer;
  readonly #visitor: JsonVisitor;
  readonly #isArray = new Uint8Array(MAX_DEPTH + 1);
  #depth = 0;
  #at = 0;
  #expected: Expected = 'value';
  /** Where the string that is being read begins, behind its quote; -1 outside of strings. */
  #stringStart = -1;
  #isEscaped = false;

  /** `bytes` has room for the whole text, which comes into it piece by piece. */
  constructor(bytes: Buffer, visitor: JsonVisitor) {
    this.#bytes = bytes;
    this.#visitor = visitor;
  }

  /** Reads on to `end`: so many bytes have arrived. @throws JsonProblem */
  advance(end: number): void {
    while (this.#at < end) {
      const before = this.#at;
      if (this.#stringStart >= 0) this.#readString(end);
      else this.#readToken(this.#bytes[before] as number, end);
      // What is cut in two is read when its rest is there.
      if (this.#at === before) return;
    }
  }

  /** All has arrived. @throws JsonProblem when it is not whole */
  end(): void {
    if (this.#expected !== 'nothing') throw new JsonProblem('the JSON of the body ends too early');
  }

  #readToken(byte: number, end: number): void {
    if (isSpace[byte] === 1) this.#at += 1;
    else if (byte === QUOTE) this.#beginString();
    else if (byte === COMMA) this.#pass('comma-or-end', this.#isArray[this.#depth] === 1 ? 'value' : 'key');
    else if (byte === COLON) this.#pass('colon', 'value');
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte === OPEN_ARRAY);
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#close(byte === CLOSE_ARRAY);
    else this.#readScalar(end);
  }

  #pass(expected: Expected, next: Expected): void {
    if (this.#expected !== expected) throw this.#unexpected();
    this.#step(next);
  }

  #step(expected: Expected): void {
    this.#at += 1;
    this.#expected = expected;
  }

  #open(isArray: boolean): void {
    this.#requireValue();
    if (this.#depth === MAX_DEPTH) throw new JsonProblem(`the body nests deeper than ${MAX_DEPTH} levels`);
    this.#depth += 1;
    this.#isArray[this.#depth] = isArray ? 1 : 0;
    this.#visitor.open(isArray, this.#at);
    this.#step(isArray ? 'value-or-end' : 'key-or-end');
  }

  #close(isArray: boolean): void {
    const isEmpty = this.#expected === (isArray ? 'value-or-end' : 'key-or-end');
    const isOpen = this.#depth > 0 && (this.#isArray[this.#depth] === 1) === isArray;
    if (!isOpen || !(isEmpty || this.#expected === 'comma-or-end')) throw this.#unexpected();
    this.#depth -= 1;
    this.#step('comma-or-end');
    this.#endValue();
    this.#visitor.close(this.#at);
  }

  #beginString(): void {
    if (this.#expected !== 'key' && this.#expected !== 'key-or-end') this.#requireValue();
    this.#at += 1;
    this.#stringStart = this.#at;
    this.#isEscaped = false;
  }

  #readString(end: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    while (at < end) {
      const byte = bytes[at] as number;
      if (isSpecialInString[byte] === 0) {
        at += 1;
        continue;
      }
      if (byte === QUOTE) {
        this.#at = at + 1;
        this.#endString(at);
        return;
      }
      if (byte !== BACKSLASH) throw new JsonProblem('a string of the body has a control character');
      if (at + 1 < end && isEscape[bytes[at + 1] as number] === 1) {
        this.#isEscaped = true;
        at += 2;
        continue;
      }
      const next = this.#endOfEscape(at, end);
      if (next === null) break;
      this.#isEscaped = true;
      at = next;
    }
    this.#at = at;
  }

  /** Of one with digits; null while it has not arrived whole. */
  #endOfEscape(at: number, end: number): number | null {
    const bytes = this.#bytes;
    if (at + 1 >= end) return null;
    if (bytes[at + 1] !== LETTER_U) throw new JsonProblem('a string of the body has an unknown escape');
    if (at + 5 >= end) return null;
    for (let digit = at + 2; digit < at + 6; digit++) {
      if (isHexDigit[bytes[digit] as number] === 0) throw new JsonProblem('the body has a broken \\u escape');
    }
    return at + 6;
  }

  #endString(end: number): void {
    const start = this.#stringStart;
    this.#stringStart = -1;
    if (this.#expected === 'key' || this.#expected === 'key-or-end') {
      this.#expected = 'colon';
      this.#visitor.key(start, end, this.#isEscaped);
    } else {
      this.#endValue();
      this.#visitor.string(start, end, this.#isEscaped);
    }
  }

  #readScalar(end: number): void {
    this.#requireValue();
    const start = this.#at;
    let at = start;
    while (at < end && isScalarByte[this.#bytes[at] as number] === 1) at += 1;
    if (at - start > MAX_SCALAR_BYTES) throw new JsonProblem('the body has a number of too many digits');
    // It may go on, unless it is the last of the text.
    if (at === end && end < this.#bytes.length) return;
    if (!scalarForm.test(this.#bytes.toString('latin1', start, at))) throw this.#unexpected();
    this.#at = at;
    this.#endValue();
    this.#visitor.scalar(start, at);
  }

  #requireValue(): void {
    if (this.#expected !== 'value' && this.#expected !== 'value-or-end') throw this.#unexpected();
  }

  #endValue(): void {
    this.#expected = this.#depth === 0 ? 'nothing' : 'comma-or-end';
  }

  #unexpected(): JsonProblem {
    return new JsonProblem(`the body is not JSON: byte ${this.#at} is not what must stand there`);
  }
}

function bytesOf(characters: string): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    characters.includes(String.fromCharCode(byte)) ? 1 : 0,
  );
}
