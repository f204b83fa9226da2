import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knownInput, partialFields, writtenTail } from './partial-input.ts';

describe('an input that is being written', () => {
  const whole = JSON.stringify({ file_path: '/a "b".ts', content: 'line 1\n\tline 2 \\ é \u202e "x"' });

  it('is read as far as it goes, wherever it stops', () => {
    for (let end = 0; end <= whole.length; end += 1) {
      const { file_path: path = '', content = '' } = partialFields(whole.slice(0, end));
      assert.ok('/a "b".ts'.startsWith(String(path)), `${end}: ${String(path)}`);
      assert.ok('line 1\n\tline 2 \\ é \u202e "x"'.startsWith(String(content)), `${end}: ${String(content)}`);
    }
    assert.equal(partialFields(whole).file_path, '/a "b".ts');
  });

  it('stops within no escape', () => {
    assert.equal(writtenTail('{"content":"a\\'), 'a');
    assert.equal(writtenTail('{"content":"a\\u20'), 'a');
    assert.equal(writtenTail('{"content":"a\\u202e'), 'a\u202e');
  });

  it('shows its end when it is long, and takes no longer for it', () => {
    const text = `{"file_path":"/a","content":"${'a line\\n'.repeat(700_000)}the end`;
    const start = performance.now();
    assert.equal(partialFields(text).file_path, '/a');
    const tail = writtenTail(text);
    assert.ok(performance.now() - start < 500);
    assert.ok(tail.length <= 4_000);
    assert.match(tail, /a line\nthe end$/);
  });

  it('may be anything', () => {
    for (const text of [
      '',
      '{',
      '[1,2',
      'null',
      '{"a":',
      '{"a":{"b":"c"',
      '{"__proto__":"x"}',
      '"""""',
      '\\'.repeat(20_000),
    ]) {
      assert.doesNotThrow(() => [partialFields(text), writtenTail(text)], text);
    }
    assert.deepEqual(Object.keys(partialFields('{"__proto__":"x"}')), ['__proto__']);
  });

  it('gives way to the input', () => {
    assert.deepEqual(knownInput({ input: { a: 1 }, inputText: '' }), { a: 1 });
  });
});
