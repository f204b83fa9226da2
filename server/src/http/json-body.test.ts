import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exceedsDepth } from './json-body.ts';

describe('the nesting of a JSON text', () => {
  const nested = (levels: number): string => '[{"a":'.repeat(levels / 2) + '}]'.repeat(levels / 2);

  it('is counted over arrays and objects, at its deepest', () => {
    assert.ok(!exceedsDepth(nested(64), 64));
    assert.ok(exceedsDepth(nested(66), 64));
    assert.ok(exceedsDepth('[[[', 2), 'also when nothing is closed');
    assert.ok(!exceedsDepth(`[${'[],'.repeat(1_000)}[]]`, 2), 'what is closed counts no more');
  });

  it('does not count brackets inside strings, whatever is escaped in them', () => {
    for (const text of ['[[[', '\\', '"', '\\"[[[', '"[[[', '\\\\"', '[\n[\u2028["']) {
      const json = JSON.stringify({ [text]: text });
      assert.ok(!exceedsDepth(json, 1), json);
      assert.ok(exceedsDepth(json.replace(/}$/, ',"b":[]}'), 1), `and goes on counting after ${json}`);
    }
  });

  it('is known before the end of a text that breaks off', () => {
    assert.ok(!exceedsDepth('{"a": "[[[', 1));
    assert.ok(!exceedsDepth('"\\', 1));
  });
});
