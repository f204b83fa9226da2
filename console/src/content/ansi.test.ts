import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contrast, readAnsi, stripAnsi } from './ansi.ts';

const shown = (text: string): string =>
  readAnsi(text)
    .map((line) => line.map((span) => span.text).join(''))
    .join('\n');

describe('what a program wrote to a terminal', () => {
  it('keeps colours and weights, over lines', () => {
    const [first, second] = readAnsi('\x1b[1;31mred\nstill\x1b[0m plain');
    assert.deepEqual(
      first?.map(({ text, isBold, color }) => [text, isBold, color]),
      [['red', true, '187, 0, 0']],
    );
    assert.equal(second?.[0]?.color, '187, 0, 0');
    assert.equal(second?.[1]?.color, null);
  });

  it('starts without what another text left behind', () => {
    readAnsi('\x1b[32mgreen');
    assert.equal(readAnsi('plain')[0]?.[0]?.color, null);
    assert.equal(readAnsi('plain \x1b[1mbold')[0]?.[1]?.color, null);
  });

  it('obeys nothing that moves the cursor, clears or scrolls', () => {
    assert.equal(shown('safe\x1b[1A\x1b[2K\x1b[Hevil\x1b[?25l\x1b[2J\x1b[10;10H!'), 'safeevil!');
    assert.equal(shown('a\x1bcb\x1b7c\x1b(0d\x9b2Je'), 'abcde');
  });

  it('makes no links, titles or other commands of strings', () => {
    assert.equal(shown('\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07'), 'click');
    assert.equal(shown('\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\'), 'click');
    assert.equal(shown('\x1b]0;title\x07text\x1bP1$r\x1b\\!'), 'text!');
    assert.equal(shown('\x1b]52;c;ZXZpbA==\x07clipboard'), 'clipboard');
  });

  it('loses no line to a command that never ends', () => {
    assert.equal(shown('a\x1b]0;never\nb'), 'a\nb');
    assert.equal(shown('a\x1b['), 'a');
    assert.equal(shown('a\x1b'), 'a');
  });

  it('shows what is declared hidden', () => {
    assert.equal(shown('\x1b[8mrm -rf /\x1b[0m'), 'rm -rf /');
  });

  it('shows the last state of a line that was written over, and other controls by their pictures', () => {
    assert.equal(shown('10%\r50%\r100%\r\ndone\r\n'), '100%\ndone\n');
    assert.equal(shown('a\bb\0c\x7f'), 'a\u2408b\u2400c\u2421');
  });

  it('can be read on whatever ground the program chose', () => {
    for (const codes of ['30;40', '37;47', '34;44', '38;5;16;48;5;16', '38;2;9;9;9;48;2;0;0;0', '103', '7']) {
      const [span] = readAnsi(`\x1b[${codes}mtext`)[0] ?? [];
      assert.ok(span);
      if (span.background === null) assert.ok(span.isReversed);
      else assert.ok(contrast(span.color ?? '', span.background) >= 4.5, codes);
    }
  });

  it('is bounded for a million colours', () => {
    const start = performance.now();
    const lines = readAnsi('\x1b[31ma\x1b[0mb'.repeat(25_000));
    assert.ok((lines[0]?.length ?? 0) <= 20_000);
    assert.ok(performance.now() - start < 5_000);
  });

  it('takes nonsense for what it is', () => {
    for (const text of [
      '\x1b[999999999999m',
      '\x1b[;;;;m',
      '\x1b[38;5m',
      '\x1b[38;2;1m',
      '\x1b[-1m',
      '\ud800\x1b[31m',
      '<script>alert(1)</script>',
    ]) {
      assert.doesNotThrow(() => readAnsi(text), text);
    }
    assert.equal(shown('<img src=x onerror=alert(1)>'), '<img src=x onerror=alert(1)>');
  });

  it('as plain text has no escapes', () => {
    assert.equal(stripAnsi('\x1b[38:2:1:2:3mred\x1b[0m\x1b[K'), 'red');
  });
});
