import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeText, joinPath, nameOf, parentOf, stepsTo, toUrlPath } from './file-path.ts';

describe('a path of the workspace', () => {
  it('has a name, a directory and the steps that lead to it', () => {
    assert.deepEqual([parentOf('a/b/c.ts'), nameOf('a/b/c.ts')], ['a/b', 'c.ts']);
    assert.deepEqual([parentOf('c.ts'), nameOf('c.ts')], ['', 'c.ts']);
    assert.deepEqual(
      stepsTo('a/b').map(({ path }) => path),
      ['a', 'a/b'],
    );
    assert.deepEqual(stepsTo(''), []);
    assert.deepEqual([joinPath('', 'a'), joinPath('a', 'b')], ['a', 'a/b']);
  });

  it('stays one segment a name in an address', () => {
    assert.equal(toUrlPath('a b/ü?#%.txt'), 'a%20b/%C3%BC%3F%23%25.txt');
  });
});

describe('the bytes of a file', () => {
  it('are text if they are UTF-8, also when they end within a character', () => {
    const bytes = new TextEncoder().encode('日本');
    assert.equal(decodeText(bytes, false), '日本');
    assert.equal(decodeText(bytes.subarray(0, 4), true), '日');
    assert.equal(decodeText(bytes.subarray(0, 4), false), null);
  });

  it('are none with a zero among them', () => {
    assert.equal(decodeText(new Uint8Array([104, 0, 105]), false), null);
  });
});
