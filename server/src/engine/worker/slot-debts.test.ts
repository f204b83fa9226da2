import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SlotDebts } from './slot-debts.ts';

function debts(waiting: string[], held: Record<string, number>): SlotDebts {
  const found = new SlotDebts();
  found.set(waiting, new Map(Object.entries(held)));
  return found;
}

describe('slots that are owed', () => {
  it('are given by who has two more than who waits, once for each who waits', () => {
    const owed = debts(['b', 'c'], { a: 4 });
    assert.deepEqual(
      [owed.take('a'), owed.take('a'), owed.take('a')],
      [true, true, false],
      'a keeps what it has then',
    );
    assert.equal(debts(['b'], { a: 2, b: 1 }).take('a'), false);
    assert.equal(debts(['b'], { a: 3, b: 1 }).take('a'), true);
    assert.equal(debts(['b'], { a: 2 }).take('a'), true);
    assert.equal(debts(['b'], { a: 1 }).take('a'), false);
  });

  it('are never given to the tenant itself, nor where nobody waits', () => {
    assert.equal(debts(['a'], { a: 5 }).take('a'), false);
    assert.equal(debts([], { a: 5 }).take('a'), false);
    assert.equal(new SlotDebts().take('a'), false);
  });

  it('are not given twice for the same state, though two have to give', () => {
    const owed = debts(['c'], { a: 3, b: 3 });
    assert.deepEqual([owed.take('b'), owed.take('a')], [true, false]);
  });
});
