import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cutText } from './cut-text.ts';

const family = '👨‍👩‍👧';

describe('the beginning of a text', () => {
  it('is the text itself where it fits', () => {
    assert.equal(cutText('', 4), '');
    assert.equal(cutText('abcd', 4), 'abcd');
    assert.equal(cutText('äö', 4), 'äö');
  });

  it('has so many bytes at most, and ends between characters', () => {
    assert.equal(cutText('abcde', 4), 'abcd');
    assert.equal(cutText('aäöü', 4), 'aä');
    assert.equal(cutText('ab😀', 5), 'ab');
    assert.equal(cutText('ab😀c', 6), 'ab😀');
  });

  it('keeps together what is read as one character', () => {
    assert.equal(cutText(`ab${family}`, 12), 'ab');
    assert.equal(cutText('xe\u0301', 2), 'x');
    const long = 'x'.repeat(1000);
    assert.equal(cutText(`${long}${family}${long}`, 1010), long);
  });

  it('cuts between code points where one such character alone does not fit', () => {
    const piled = `e${'\u0301'.repeat(200)}`;
    assert.equal(cutText(piled, 100), piled.slice(0, 50));
    assert.equal(cutText(family, 6), '👨');
  });
});
