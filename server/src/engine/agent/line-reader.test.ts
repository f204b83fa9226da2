import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnfitLineError } from './agent-line.ts';
import { LineReader } from './line-reader.ts';

describe('lines of bytes', () => {
  it('are found however the bytes are cut', () => {
    const text = 'one\n\ntwo and more\nthree';
    for (const size of [1, 2, 3, 5, 100]) {
      const reader = new LineReader(100);
      const lines: string[] = [];
      for (let at = 0; at < text.length; at += size)
        lines.push(...[...reader.read(Buffer.from(text.slice(at, at + size)))].map(String));
      assert.deepEqual([...lines, String(reader.rest())], text.split('\n'), `cut by ${size}`);
    }
  });

  it('are refused when they are too long, finished or not', () => {
    assert.throws(() => [...new LineReader(4).read(Buffer.from('12345\n'))], UnfitLineError);
    const reader = new LineReader(4);
    assert.deepEqual([...reader.read(Buffer.from('123'))], []);
    assert.throws(() => [...reader.read(Buffer.from('45'))], UnfitLineError);
  });
});
