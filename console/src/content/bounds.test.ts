import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { boundLine, countLines, endOf, firstLines, lastLines, oneLine, startOf } from './bounds.ts';

describe('a piece of a long text', () => {
  it('counts lines as they are seen', () => {
    assert.deepEqual(['', 'a', 'a\n', 'a\nb', '\n', '\n\n'].map(countLines), [0, 1, 1, 2, 1, 2]);
  });

  it('is its beginning, or its end, and knows what is left out', () => {
    assert.deepEqual(firstLines('a\nb\nc\n', 2), { text: 'a\nb', lines: 2, hiddenLines: 1 });
    assert.deepEqual(lastLines('a\nb\nc\n', 2), { text: 'b\nc', lines: 2, hiddenLines: 1 });
    assert.deepEqual(lastLines('a\nb', 14), { text: 'a\nb', lines: 2, hiddenLines: 0 });
    assert.deepEqual(firstLines('', 3), { text: '', lines: 0, hiddenLines: 0 });
  });

  it('has no line of a megabyte', () => {
    const { text } = lastLines('x'.repeat(1_000_000), 10);
    assert.ok(text.length < 2_100);
    assert.match(text, /… \(\+998000\)$/);
  });

  it('is bounded for 5 MB, and found quickly', () => {
    const text = 'a line of some output\n'.repeat(240_000);
    const start = performance.now();
    const last = lastLines(text, 14);
    const all = lastLines(text, 1_000_000);
    assert.equal(last.lines, 14);
    assert.equal(last.hiddenLines, 239_986);
    assert.ok(all.text.length < 400_100);
    assert.match(all.text, /^… \(\+/);
    assert.ok(performance.now() - start < 2_000);
  });

  it('does not end within a character', () => {
    assert.equal(boundLine('🎉🎉', 3), '🎉… (+1)');
    assert.equal(startOf('🎉🎉', { lines: 1, characters: 3 }), '🎉');
  });

  it('of prose keeps its long lines', () => {
    const paragraph = 'word '.repeat(1_000);
    assert.equal(startOf(`${paragraph}\nnext`, { lines: 5, characters: 60_000 }), `${paragraph}\nnext`);
  });

  it('of prose that is being written is its end', () => {
    const bounds = { lines: 2, characters: 10 };
    assert.equal(endOf('a\nb\nc', bounds), '\nb\nc');
    assert.equal(endOf('a\nb', bounds), 'a\nb');
    assert.equal(endOf('', bounds), '');
    assert.equal(endOf('x'.repeat(20), bounds), 'x'.repeat(10));
    assert.equal(endOf('🎉🎉', { lines: 2, characters: 3 }), '🎉');
    assert.equal(endOf('\n'.repeat(5), bounds), '\n\n');
  });

  it('is one line of words for a row', () => {
    assert.equal(oneLine('  a\n\tb  c\r\n'), 'a b c');
    assert.equal(oneLine('a\u2028b\ufeffc'), 'a\u2028b\ufeffc');
    assert.equal(oneLine('x'.repeat(5_000_000)).length, 401);
  });
});
