import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followPages, nextCursor } from './pages.ts';

describe('a list in pages', () => {
  it('is read page by page, no further than its reader looks', async () => {
    const asked: (number | null)[] = [];
    const list = (): AsyncGenerator<number, void> =>
      followPages<number, number>(async (cursor) => {
        asked.push(cursor);
        const first = cursor ?? 0;
        return { items: [first, first + 1], next: first < 4 ? first + 2 : null };
      });
    assert.deepEqual(await Array.fromAsync(list()), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(asked.splice(0), [null, 2, 4]);
    for await (const item of list()) if (item === 1) break;
    assert.deepEqual(asked, [null]);
  });

  it('goes on where the Link header says', () => {
    assert.equal(nextCursor('</sessions/?limit=2&cursor=abc&status=error>; rel="next"'), 'abc');
    for (const link of [null, '', '</sessions/?cursor=abc>; rel="prev"', '</sessions/>; rel="next"']) {
      assert.equal(nextCursor(link), null, String(link));
    }
  });
});
