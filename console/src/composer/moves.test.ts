import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { moveBy, moveOnto, reorder, type Waiting } from './moves.ts';

const at = '2026-12-01T00:00:00.000Z';
const message = (turn_id: string, delivery: Waiting['delivery'], sent_at: string | null = null): Waiting => {
  return { turn_id, delivery, sent_at };
};
const queue = [
  message('i', 'interrupt'),
  message('sent', 'steer', at),
  message('s', 'steer'),
  message('a', 'queue'),
  message('b', 'queue'),
  message('c', 'queue'),
];
const names = (waiting: readonly Waiting[]): string => waiting.map(({ turn_id: id }) => id).join(' ');

describe('a message that waits', () => {
  it('moves up and down among its likes', () => {
    assert.deepEqual(moveBy(queue, 'b', -1), { before: 'a' });
    assert.deepEqual(moveBy(queue, 'b', 1), { before: null });
    assert.deepEqual(moveBy(queue, 'a', 1), { before: 'c' });
  });

  it('never moves past those that are delivered otherwise, nor one that the agent has', () => {
    assert.equal(moveBy(queue, 'a', -1), null);
    assert.equal(moveBy(queue, 'c', 1), null);
    assert.equal(moveBy(queue, 's', -1), null);
    assert.equal(moveBy(queue, 'sent', 1), null);
    assert.equal(moveOnto(queue, 'a', 's'), null);
  });

  it('takes the place of the one that it is dropped on', () => {
    assert.deepEqual(moveOnto(queue, 'c', 'a'), { before: 'a' });
    assert.deepEqual(moveOnto(queue, 'a', 'c'), { before: null });
    assert.equal(moveOnto(queue, 'a', 'a'), null);
    assert.equal(moveOnto(queue, 'gone', 'a'), null);
  });

  it('is shown where it is about to stand', () => {
    assert.equal(names(reorder(queue, 'c', { before: 'a' })), 'i sent s c a b');
    assert.equal(names(reorder(queue, 'a', { before: null })), 'i sent s b c a');
    assert.equal(names(reorder(queue, 'a', { before: 'c' })), 'i sent s b a c');
    assert.equal(names(reorder(queue, 'gone', { before: 'c' })), names(queue));
    assert.equal(names(reorder(queue, 's', { before: null })), names(queue));
  });
});
