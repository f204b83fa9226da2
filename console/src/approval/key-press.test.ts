import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actOfKey } from './key-press.ts';

const press = (key: string, more = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  repeat: false,
  isComposing: false,
  defaultPrevented: false,
  ...more,
});

describe('a key', () => {
  it('answers when the focus is in the card, or nowhere', () => {
    assert.equal(actOfKey(press('y'), 'card'), 'allow');
    assert.equal(actOfKey(press('n'), 'nowhere'), 'deny');
    assert.equal(actOfKey(press('x'), 'card'), null);
  });

  it('answers nothing that is meant for something else', () => {
    assert.equal(actOfKey(press('y'), 'elsewhere'), null);
  });

  for (const meant of [
    'ctrlKey',
    'metaKey',
    'altKey',
    'shiftKey',
    'repeat',
    'isComposing',
    'defaultPrevented',
  ]) {
    it(`answers nothing with ${meant}`, () =>
      assert.equal(actOfKey(press('y', { [meant]: true }), 'card'), null));
  }
});
