import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeySequence, nameOfKey } from './shortcut.ts';

const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe('keys', () => {
  it('are named as shortcuts are written', () => {
    assert.equal(nameOfKey({ ...plain, key: 'G' }), 'g');
    assert.equal(nameOfKey({ ...plain, key: '?', shiftKey: true }), '?');
    assert.equal(nameOfKey({ ...plain, key: 'k', metaKey: true }), 'Mod+k');
    assert.equal(nameOfKey({ ...plain, key: 'Enter', ctrlKey: true }), 'Mod+Enter');
  });

  it('follow each other within a second', () => {
    let now = 0;
    const keys = new KeySequence(() => now);
    const known = new Set(['g s', 'c', '?']);
    assert.equal(keys.press('c', known), 'c');
    assert.equal(keys.press('g', known), null);
    assert.equal(keys.press('s', known), 'g s');
    assert.equal(keys.press('s', known), null);
    assert.equal(keys.press('g', known), null);
    now = 5_000;
    assert.equal(keys.press('s', known), null);
    assert.equal(keys.press('g', known), null);
    assert.equal(keys.press('c', known), 'c');
  });
});
