import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuseShape } from './json-text.ts';

describe('the shape of a JSON text', () => {
  const nested = (levels: number): string => '[{"a":'.repeat(levels / 2) + '}]'.repeat(levels / 2);

  it('has a depth, counted over arrays and objects, at its deepest', () => {
    assert.equal(refuseShape(nested(64)), null);
    assert.match(refuseShape(nested(66)) ?? '', /deeper than 64/);
    assert.match(refuseShape('['.repeat(65)) ?? '', /deeper/, 'also when nothing is closed');
    assert.equal(refuseShape(`[${'[],'.repeat(1_000)}[]]`), null, 'what is closed counts no more');
  });

  it('has keys and values, wherever they are', () => {
    const object = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":0`)}}`;
    assert.equal(refuseShape(object(10_000)), null);
    assert.match(refuseShape(`[${object(5_000)},${object(5_001)}]`) ?? '', /10000 keys/);
    assert.equal(refuseShape(`[${'0,'.repeat(200_000)}0]`), null);
    assert.match(refuseShape(`[[${'0,'.repeat(200_001)}0]]`) ?? '', /200000 values/);
  });

  it('does not depend on what strings hold, whatever is escaped in them', () => {
    for (const part of ['[', ',', ':', '{"a":', '\\', '"', '\\"[', '"[', '\\\\"', '[\n[\u2028["']) {
      const text = part.repeat(200_001);
      const json = JSON.stringify({ [text]: text });
      assert.equal(refuseShape(json), null, part);
      const more = json.replace(/}$/, `,"b":${'['.repeat(64)}]}`);
      assert.match(refuseShape(more) ?? '', /deeper/, `and it goes on being counted after ${part}`);
    }
  });

  it('is known of a text that breaks off', () => {
    for (const text of ['{"a": "[[[', '"\\', '"', '']) assert.equal(refuseShape(text), null);
  });
});
