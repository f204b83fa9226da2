import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { titleOf } from './session-title.ts';

describe('what a session is called', () => {
  it('is its title, else how its prompt begins, else nothing', () => {
    assert.equal(titleOf({ title: 'One', prompt: 'two' }), 'One');
    assert.equal(titleOf({ title: ' ', prompt: 'two' }), 'two');
    assert.equal(titleOf({ title: null, prompt: '' }), null);
  });

  it('hides nothing: a title may be made of what cannot be seen, or turn around what follows it', () => {
    assert.equal(titleOf({ title: '\u200b\u2060', prompt: 'two' }), '⟨U+200B⟩⟨U+2060⟩');
    assert.equal(titleOf({ title: 'done\u202ewaiting', prompt: null }), 'done⟨U+202E⟩waiting');
    assert.equal(titleOf({ title: '👨‍👩‍👧 日本語', prompt: null }), '👨‍👩‍👧 日本語');
  });
});
