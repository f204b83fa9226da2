import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Row } from './listing.ts';
import { rowsMoved } from './scroll-anchor.ts';

const rowsOf = (ids: string): Row[] => [...ids].map((id) => ({ id, isPinned: false, leftAt: null }));

describe('a list that is scrolled', () => {
  it('goes along with rows that came or went above', () => {
    assert.equal(rowsMoved(rowsOf('edcba'), rowsOf('gfedcba'), 2), 2);
    assert.equal(rowsMoved(rowsOf('edcba'), rowsOf('dcba'), 2), -1);
  });

  it('stays where rows came or went below', () => {
    assert.equal(rowsMoved(rowsOf('edcb'), rowsOf('edcba'), 1), 0);
    assert.equal(rowsMoved(rowsOf('edcba'), rowsOf('edc'), 1), 0);
  });

  it('holds on to the next row when the first one went, or was pinned', () => {
    assert.equal(rowsMoved(rowsOf('edcba'), rowsOf('edba'), 2), -1);
    const pinned: Row = { id: 'c', isPinned: true, leftAt: null };
    assert.equal(rowsMoved(rowsOf('edcba'), [pinned, ...rowsOf('edba')], 2), 0);
    assert.equal(rowsMoved(rowsOf('ba'), [], 0), 0);
  });
});
