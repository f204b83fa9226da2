import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cutAt, isInView, needsReading, type ReadPage } from './pages-in-view.ts';

type Given = { cursor?: string | null; isOld?: boolean };
const page = (ids: string, next: string | null, { cursor = null, isOld = false }: Given = {}): ReadPage => ({
  cursor,
  ids: [...ids],
  next,
  askedAt: 0,
  isOld,
});

describe('pages that are read again', () => {
  const pages = [page('zyx', 'x'), page('wvu', 'u', { cursor: 'x' }), page('ts', null, { cursor: 'u' })];
  const inView = (first: string, last: string): boolean[] =>
    pages.map((one) => isInView(one, { first, last }));

  it('are the first one, and those that are looked at', () => {
    assert.deepEqual(inView('z', 'y'), [true, false, false]);
    assert.deepEqual(inView('w', 'u'), [true, true, false]);
    assert.deepEqual(inView('u', 't'), [true, true, true]);
    assert.deepEqual(inView('t', 's'), [true, false, true]);
  });

  it('are needed while what is looked at is old', () => {
    const read = [...pages.slice(0, 2), page('ts', null, { cursor: 'u', isOld: true })];
    assert.equal(needsReading(read, { first: 'w', last: 'v' }), false);
    assert.equal(needsReading(read, { first: 'v', last: 't' }), true);
    assert.equal(needsReading(read, null), false);
  });

  it('end where they ended before, unless they did not come so far', () => {
    assert.deepEqual(cutAt(page('zxwv', 'v'), 'x'), page('zx', 'x'));
    assert.deepEqual(cutAt(page('zx', null), 'x'), page('zx', 'x'));
    assert.deepEqual(cutAt(page('zy', 'y'), 'x'), page('zy', 'y'));
    assert.deepEqual(cutAt(page('zy', null), null), page('zy', null));
  });
});
