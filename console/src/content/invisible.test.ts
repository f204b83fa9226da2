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

  it('is no pile of marks that a page lays out for minutes: what is left out is counted', () => {
    const pile = `a${'\u0301'.repeat(30)}`;
    assert.equal(markInvisible(`${pile}b`), `${pile}b`);
    assert.equal(markInvisible(`${pile}${'\u0301'.repeat(500_000)}b`), `${pile}⟨+500000⟩b`);
    assert.deepEqual(splitInvisible(`${pile}\u0301`), [{ kind: 'text', text: `${pile}⟨+1⟩` }]);
    assert.equal(markDeceiving(`${pile}\u0301\u200d\u0301b`), `${pile}⟨+3⟩b`);
  });

  it('in prose is found in a moment, however much of it there is', () => {
    const start = performance.now();
    for (const part of ['\u{e0041}', '\u202e\u2066', '\u{1f3f4}\u{e0041}', '\u0301', '\u200d'])
      markDeceiving(part.repeat(30_000));
    assert.ok(performance.now() - start < 2_000);
  });

  it('is a second text that hides behind a flag', () => {
    const hidden = '🏴\u{e0068}\u{e0069}\u{e0020}\u{e0074}\u{e0068}\u{e0065}\u{e0072}\u{e0065}';
    assert.match(markDeceiving(hidden), /^🏴⟨U\+E0068⟩⟨U\+E0069⟩/);
  });

  it('in prose is only what turns it around or hides a second text', () => {
    assert.equal(markDeceiving('می\u200cخواهم \u200f(a)\u200f'), 'می\u200cخواهم \u200f(a)\u200f');
    assert.equal(markDeceiving('a\u202eb\u2066c'), 'a⟨U+202E⟩b⟨U+2066⟩c');
    assert.equal(markDeceiving('\u{e0048}i'), '⟨U+E0048⟩i');
    const england = '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}';
    assert.equal(markDeceiving(england), england);
  });
});
