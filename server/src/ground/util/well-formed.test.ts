import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { wellFormed } from './well-formed.ts';

it('wellFormed gives a value that strict parsers read, and changes no other', () => {
  const values = fc.jsonValue({ stringUnit: 'binary' });
  fc.assert(fc.property(values, (value) => assert.deepEqual(wellFormed(value), value)));
  const halves = fc.jsonValue({ stringUnit: fc.constantFrom('\ud83d', '\ude00', 'a', '😀') as never });
  fc.assert(
    fc.property(halves, (value) => {
      // What is no well-formed text is written as an escape by this function alone.
      assert.doesNotMatch(JSON.stringify(wellFormed(value)), /\\u[dD][89a-fA-F]/);
    }),
  );
  assert.deepEqual(wellFormed({ 'a\ud83d': ['b\ude00', '😀', 1, null] }), {
    'a\ufffd': ['b\ufffd', '😀', 1, null],
  });
});
