import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLabel, writeLabel } from './label.ts';

describe('labels in an address', () => {
  it('are what they were, whatever is in them', () => {
    for (const label of [
      { key: 'team', value: 'api' },
      { key: 'a:b', value: 'c:d' },
      { key: 'back\\slash', value: '\\' },
      { key: '', value: '' },
      { key: 'two\nlines', value: 'a\nb' },
    ]) {
      assert.deepEqual(parseLabel(writeLabel(label)), label);
    }
  });

  it('need a colon', () => {
    assert.equal(parseLabel('team'), null);
    assert.equal(parseLabel('team\\:api'), null);
  });
});
