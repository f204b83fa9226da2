import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lineJson, prettyJson, wholeJson } from './json-text.ts';

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

describe('JSON for readers', () => {
  it('is what JSON.stringify makes of small values', () => {
    for (const value of [null, 1, 'a"b', [], {}, { a: [1, { b: null }], c: 'x' }, [true, false]]) {
      assert.equal(prettyJson(value), JSON.stringify(value, null, 2));
    }
  });

  it('ends, however deep, many or long its values are', () => {
    assert.match(prettyJson(nested(100_000)), /\[…\]/);
    assert.match(lineJson(nested(100_000)), /\[…\]/);
    assert.ok(prettyJson(Array.from({ length: 100_000 }, (_, index) => index)).length < 50_000);
    assert.match(prettyJson({ text: 'x'.repeat(5_000_000) }), /… \(\+4980000\)/);
  });

  it('takes what is no JSON', () => {
    assert.equal(prettyJson(undefined), 'undefined');
    assert.equal(prettyJson([undefined]), '[\n  undefined\n]');
  });

  it('is whole for the clipboard, as deep as the browser goes', () => {
    assert.equal(wholeJson({ a: 'x'.repeat(30_000) }).length, 30_013);
    assert.doesNotThrow(() => wholeJson(nested(200_000)));
  });
});
