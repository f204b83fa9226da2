import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasInvisible, markDeceiving, markInvisible, splitInvisible } from './invisible.ts';

describe('what cannot be seen in a text', () => {
  it('is shown in few parts, however much of it there is, and all of it', () => {
    const text = 'a\u200b'.repeat(50_000);
    const parts = splitInvisible(text);
    assert.ok(parts.length < 500, String(parts.length));
    const said = parts.map((part) => (part.kind === 'text' ? part.text : `⟨${part.code}⟩`)).join('');
    assert.equal(said, 'a⟨U+200B⟩'.repeat(50_000));
    assert.equal(hasInvisible(text), true);
  });

  it('is shown by its code where it turns, hides or breaks text', () => {
    assert.equal(markInvisible('rm \u202efdp.exe'), 'rm ⟨U+202E⟩fdp.exe');
    assert.equal(markInvisible('a\u200bb\u2060c\ufeffd'), 'a⟨U+200B⟩b⟨U+2060⟩c⟨U+FEFF⟩d');
    assert.equal(markInvisible('a\0b\x1b[2Jc\x7f\x9b'), 'a⟨U+0000⟩b⟨U+001B⟩[2Jc⟨U+007F⟩⟨U+009B⟩');
    assert.equal(
      markInvisible('line\u2028break\u3164filler\ufe01'),
      'line⟨U+2028⟩break⟨U+3164⟩filler⟨U+FE01⟩',
    );
    assert.equal(markInvisible('tag \u{e0041}'), 'tag ⟨U+E0041⟩');
  });

  it('is a half of a pair of surrogates, and no whole one', () => {
    assert.equal(markInvisible('a\ud83dz 🎉'), 'a⟨U+D83D⟩z 🎉');
    assert.equal(markInvisible('\udc00'), '⟨U+DC00⟩');
  });

  it('is not what every text has: tabs, lines, letters of all scripts, joined emoji', () => {
    for (const text of ['a\tb\nc', '日本語のパス', 'مرحبا', '👩‍💻 ❤️ 👩🏽‍🚀', ''])
      assert.equal(hasInvisible(text), false, text);
  });

  it('is a joiner that joins no emoji', () => {
    assert.equal(markInvisible('pa\u200dth'), 'pa⟨U+200D⟩th');
    assert.equal(markInvisible('\u200d'), '⟨U+200D⟩');
  });

  it('leaves the rest of the text as it was, part by part', () => {
    assert.deepEqual(splitInvisible('a\u202eb'), [
      { kind: 'text', text: 'a' },
      { kind: 'invisible', code: 'U+202E' },
      { kind: 'text', text: 'b' },
    ]);
  });

  it('in prose is only what turns it around or hides a second text', () => {
    assert.equal(markDeceiving('می\u200cخواهم \u200f(a)\u200f'), 'می\u200cخواهم \u200f(a)\u200f');
    assert.equal(markDeceiving('a\u202eb\u2066c'), 'a⟨U+202E⟩b⟨U+2066⟩c');
    assert.equal(markDeceiving('\u{e0048}i'), '⟨U+E0048⟩i');
    const england = '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}';
    assert.equal(markDeceiving(england), england);
  });
});
