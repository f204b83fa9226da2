import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextRow } from './next-row.ts';

describe('the keys', () => {
  it('go from row to row, and stop at the ends', () => {
    const order = ['c', 'b', 'a'];
    assert.equal(nextRow(order, 'c', 1), 'b');
    assert.equal(nextRow(order, 'b', -1), 'c');
    assert.equal(nextRow(order, 'a', 1), null);
    assert.equal(nextRow(order, 'c', -1), null);
  });

  it('begin at the first row, also when theirs went away', () => {
    assert.equal(nextRow(['c', 'b'], null, -1), 'c');
    assert.equal(nextRow(['c', 'b'], 'z', 1), 'c');
    assert.equal(nextRow([], 'z', 1), null);
  });
});
