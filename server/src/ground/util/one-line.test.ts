import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oneLine } from './one-line.ts';

describe('oneLine', () => {
  it('puts a text on one line and leaves a short one as it is', () => {
    assert.equal(oneLine('  fix\r\n\tthe   tests\u2028now ', 40), 'fix the tests now');
    assert.equal(oneLine('x'.repeat(40), 40), 'x'.repeat(40));
    assert.equal(oneLine('', 40), '');
  });

  it('cuts a long one, never within a character, and says so', () => {
    assert.equal(oneLine('abcdef', 4), 'abc…');
    assert.equal(oneLine('ab😀def', 4), 'ab…');
    const cut = oneLine(`${' '.repeat(400)}far away`, 40);
    assert.equal(cut, '…');
    assert.equal(oneLine('x'.repeat(10_000_000), 160).length, 160);
  });

  it('keeps nothing that a database refuses or that turns the line around', () => {
    const hostile = 'rm\u0000 \u001b[31m-rf\u202e gnp.\u2066x\ud800\u0085';
    const line = oneLine(hostile, 100);
    assert.equal(line, 'rm [31m-rf gnp.x\ufffd');
    assert.ok(line.isWellFormed());
  });
});
