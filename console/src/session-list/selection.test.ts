import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chosenOf, extend, noSelection, toggle, toggleAll } from './selection.ts';

const order = ['e', 'd', 'c', 'b', 'a'];

describe('the selection', () => {
  it('takes one, and gives it back', () => {
    const one = toggle(noSelection, 'c');
    assert.deepEqual(chosenOf(one, order), ['c']);
    assert.deepEqual(chosenOf(toggle(one, 'c'), order), []);
  });

  it('takes a range from the last one, up or down', () => {
    const one = toggle(noSelection, 'c');
    assert.deepEqual(chosenOf(extend(one, order, 'a'), order), ['c', 'b', 'a']);
    assert.deepEqual(chosenOf(extend(one, order, 'd'), order), ['d', 'c']);
    assert.deepEqual(chosenOf(extend(extend(one, order, 'a'), order, 'e'), order), order);
  });

  it('takes one alone where there is no beginning, or that has no row any more', () => {
    assert.deepEqual(chosenOf(extend(noSelection, order, 'b'), order), ['b']);
    assert.deepEqual(chosenOf(extend(toggle(noSelection, 'z'), order, 'b'), order), ['b']);
    assert.equal(extend(noSelection, order, 'z'), noSelection);
  });

  it('takes all, or none when it has all', () => {
    const all = toggleAll(toggle(noSelection, 'b'), order);
    assert.deepEqual(chosenOf(all, order), order);
    assert.equal(toggleAll(all, order), noSelection);
    assert.deepEqual(chosenOf(toggleAll(all, ['f', ...order]), ['f', ...order]), ['f', ...order]);
    assert.deepEqual(chosenOf(toggleAll(noSelection, []), []), []);
  });

  it('never touches what has no row', () => {
    assert.deepEqual(chosenOf(toggleAll(noSelection, order), ['f', 'c']), ['c']);
  });
});
