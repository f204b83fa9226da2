import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLabel } from './filter.ts';

describe('a label', () => {
  it('is split at its first colon; a key with one has a backslash before it', () => {
    const labels: Record<string, [string, string]> = {
      'team:web': ['team', 'web'],
      'url:http://a,b:8000/\\': ['url', 'http://a,b:8000/\\'],
      'a\\:b\\\\:c\\:d': ['a:b\\', 'c\\:d'],
      ':': ['', ''],
      'line:a\nb': ['line', 'a\nb'],
    };
    for (const [text, [key, value]] of Object.entries(labels))
      assert.deepEqual(parseLabel(text), { key, value }, text);
  });
});
