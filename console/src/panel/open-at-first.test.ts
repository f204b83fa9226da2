import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openAtFirst } from './open-at-first.ts';

const files = (count: number, lines: number) =>
  Array.from({ length: count }, (_, index) => ({ path: `f${index}`, additions: lines, deletions: 0 }));

describe('files that show their lines at first', () => {
  it('are the small ones, until a page is full', () => {
    assert.deepEqual(
      [...openAtFirst([...files(1, 300), { path: 'large', additions: 200, deletions: 101 }])],
      ['f0'],
    );
    assert.equal(openAtFirst(files(1_000, 100)).size, 15);
    assert.equal(openAtFirst(files(5_000, 0)).size, 100);
  });
});
