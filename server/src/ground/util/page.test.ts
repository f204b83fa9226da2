import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_PAGE_BYTES, toPage } from './page.ts';

const show = (bytes: number) => ({ text: 'x'.repeat(bytes) });
const page = (sizes: number[], limit = 100) => {
  const rows = sizes.map((bytes, n) => ({ bytes, n }));
  const { items, next } = toPage(rows, {
    limit,
    show: (row) => show(row.bytes),
    cursorOf: (row) => `behind ${row.n}`,
  });
  return [items.length, next];
};

describe('a page', () => {
  it('has as many items as it may, and leads on where there are more', () => {
    assert.deepEqual(page([1, 1, 1], 2), [2, 'behind 1']);
    assert.deepEqual(page([1, 1], 2), [2, null]);
    assert.deepEqual(page([]), [0, null]);
  });

  it('ends early where it would be too large', () => {
    const third = MAX_PAGE_BYTES / 3;
    assert.deepEqual(page([third, third, third, third]), [2, 'behind 1']);
  });

  it('has one item, however large', () => {
    const large = 2 * MAX_PAGE_BYTES;
    assert.deepEqual(page([large, large]), [1, 'behind 0']);
    assert.deepEqual(page([large]), [1, null]);
  });
});
