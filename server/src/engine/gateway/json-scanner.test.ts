import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonProblem, JsonScanner, type JsonVisitor, MAX_DEPTH } from './json-scanner.ts';

/** Builds the value again from what the scanner tells, as a check on it. */
class Builder implements JsonVisitor {
  readonly #bytes: Buffer;
  readonly #open: { value: unknown[] | Record<string, unknown>; key: string }[] = [];
  root: unknown;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  open(isArray: boolean): void {
    const value = isArray ? [] : {};
    this.#put(value);
    this.#open.push({ value, key: '' });
  }

  close(): void {
    this.#open.pop();
  }

  key(start: number, end: number): void {
    const top = this.#open.at(-1);
    assert.ok(top);
    top.key = this.#read(start - 1, end + 1) as string;
  }

  string(start: number, end: number, isEscaped: boolean): void {
    assert.equal(isEscaped, this.#bytes.subarray(start, end).includes('\\'));
    this.#put(this.#read(start - 1, end + 1));
  }

  scalar(start: number, end: number): void {
    this.#put(this.#read(start, end));
  }

  #read(start: number, end: number): unknown {
    return JSON.parse(this.#bytes.toString('utf8', start, end));
  }

  #put(value: unknown): void {
    const top = this.#open.at(-1);
    if (top === undefined) this.root = value;
    else if (Array.isArray(top.value)) top.value.push(value);
    else Object.defineProperty(top.value, top.key, { value, enumerable: true, configurable: true });
  }
}

/** What the scanner makes of a text that comes in pieces of `size` bytes; undefined when it refuses it. */
function scan(text: string, size: number): unknown {
  const bytes = Buffer.from(text);
  const builder = new Builder(bytes);
  const scanner = new JsonScanner(bytes, builder);
  try {
    for (let end = size; end < bytes.length; end += size) scanner.advance(end);
    scanner.advance(bytes.length);
    scanner.end();
  } catch (error) {
    assert.ok(error instanceof JsonProblem);
    return undefined;
  }
  return builder.root;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('the JSON scanner', () => {
  it('reads what JSON.parse reads, in pieces of any size', () => {
    const spaced = fc.tuple(fc.jsonValue(), fc.constantFrom(0, 1, '\t'), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(spaced, ([value, indent, size]) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual(scan(text, size), JSON.parse(text));
      }),
    );
  });

  it('refuses what JSON.parse refuses: texts with a byte changed, left out or put in', () => {
    const change = fc.tuple(
      fc.jsonValue(),
      fc.nat(),
      fc.constantFrom(...'{}[]",:\\-+.0eEtfnu \n\u0001x', ''),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
    );
    fc.assert(
      fc.property(change, ([value, place, character, isKept, size]) => {
        const text = JSON.stringify(value);
        const at = place % text.length;
        const changed = text.slice(0, at) + character + text.slice(isKept ? at : at + 1);
        assert.deepEqual(scan(changed, size), parse(changed));
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses the other ways to be no JSON', () => {
    const texts = [
      '',
      ' ',
      '\ufeff{}',
      '{} {}',
      '{}]',
      '[1,]',
      '{"a":1,}',
      '[,1]',
      '{"a"}',
      '{a:1}',
      "['a']",
    ];
    const numbers = [
      '01',
      '-',
      '1.',
      '.5',
      '1e',
      '+1',
      '0x10',
      'NaN',
      'Infinity',
      '--1',
      '1.2.3',
      'nul',
      'True',
    ];
    const strings = [
      '"',
      '"\\',
      '"\\u12',
      '"\\u12g4"',
      '"\\x41"',
      '"\n"',
      '"a" "b"',
      '[1 2]',
      '// a\n1',
      '{"a":1}x',
    ];
    for (const text of [...texts, ...numbers, ...strings]) {
      assert.equal(parse(text), undefined, `JSON.parse takes ${text}`);
      for (const size of [1, 2, 100]) assert.equal(scan(text, size), undefined, text);
    }
  });

  it('bounds depth and the length of numbers', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    assert.deepEqual(scan(nested(MAX_DEPTH), 7), JSON.parse(nested(MAX_DEPTH)));
    assert.equal(scan(nested(MAX_DEPTH + 1), 7), undefined);
    assert.equal(scan(`[${'1'.repeat(128)}]`, 64) !== undefined, true);
    assert.equal(scan(`[${'1'.repeat(129)}]`, 64), undefined);
    assert.equal(scan('1'.repeat(1_000_000), 64), undefined);
  });
});
