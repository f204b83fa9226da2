import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  dropLeft,
  emptyListing,
  findRow,
  type Listing,
  noteChange,
  release,
  type Sight,
  takeReading,
} from './listing.ts';

const idle = { now: 100, isHeld: false };
const pointing = { now: 100, isHeld: true };
const sees = (id: string, match: boolean | null = true, isPinned = false): Sight => ({ id, match, isPinned });
const order = ({ rows }: Listing): string => rows.map(({ id }) => id).join('');
const left = ({ rows }: Listing): string =>
  rows.flatMap(({ id, leftAt }) => (leftAt === null ? [] : [id])).join('');

/** `a` is the oldest, and pages are read down to `readDownTo`. */
function listed(ids: string, readDownTo = ''): Listing {
  return takeReading(emptyListing, { sights: [...ids].map((id) => sees(id)), readDownTo }, idle);
}

describe('the rows of the list', () => {
  it('have the newest first, and pinned ones on top', () => {
    assert.equal(order(listed('bdac')), 'dcba');
    const sights = [sees('a', true, true), sees('b'), sees('c', true, true), sees('d')];
    assert.equal(order(takeReading(emptyListing, { sights, readDownTo: '' }, idle)), 'cadb');
  });

  it('do not move, nor change, by what happens in a session that is still wanted', () => {
    const listing = listed('abc');
    assert.equal(noteChange(listing, sees('b'), idle), listing);
  });

  it('get new ones on top when they match', () => {
    assert.equal(order(noteChange(listed('abc'), sees('d'), idle)), 'dcba');
    assert.equal(order(noteChange(listed('abc'), sees('d', false), idle)), 'cba');
    assert.equal(order(noteChange(listed('abc'), sees('d', null), idle)), 'cba');
  });

  it('leave to further pages what is older than those that were read', () => {
    const listing = listed('cd', 'c');
    assert.equal(order(noteChange(listing, sees('a'), idle)), 'dc');
    assert.equal(order(noteChange(listing, sees('a', true, true), idle)), 'adc');
    assert.equal(order(noteChange(emptyListing, sees('z'), idle)), '');
  });

  it('hold new ones back while somebody points at them', () => {
    const held = noteChange(listed('abc'), sees('d'), pointing);
    assert.equal(order(held), 'cba');
    assert.equal(order(release(held, (id) => sees(id))), 'dcba');
    assert.equal(order(release(held, (id) => sees(id, false))), 'cba');
    const gone = noteChange(held, sees('d', false), pointing);
    assert.equal(gone.heldBack.size, 0);
  });

  it('hold back what is read again above, and take what is read further below', () => {
    const listing = listed('ef', 'e');
    const sights = ['g', 'f', 'e', 'd'].map((id) => sees(id));
    const read = takeReading(listing, { sights, readDownTo: 'd' }, pointing);
    assert.equal(order(read), 'fed');
    assert.deepEqual([...read.heldBack], ['g']);
  });

  it('stay where they are when they are not wanted any more, and go later', () => {
    const listing = noteChange(listed('abc'), sees('b', false), idle);
    assert.equal(order(listing), 'cba');
    assert.equal(left(listing), 'b');
    assert.equal(dropLeft(listing, { before: 99, kept: null }), listing);
    assert.equal(order(dropLeft(listing, { before: 100, kept: null })), 'ca');
    assert.equal(order(dropLeft(listing, { before: 100, kept: 'b' })), 'cba');
  });

  it('count from when they left first, and not at all when they came back', () => {
    const once = noteChange(listed('ab'), sees('a', false), idle);
    const twice = noteChange(once, sees('a', false), { ...idle, now: 500 });
    assert.equal(twice, once);
    assert.equal(left(noteChange(once, sees('a'), idle)), '');
  });

  it('move when they are pinned, and stay when that made them leave', () => {
    const pinned = noteChange(listed('abc'), sees('a', true, true), idle);
    assert.equal(order(pinned), 'acb');
    assert.equal(order(noteChange(pinned, sees('a', false, false), idle)), 'acb');
    assert.equal(order(noteChange(pinned, sees('a'), idle)), 'cba');
  });

  it('are marked when a page that is read again has them no more', () => {
    const read = takeReading(listed('abc'), { sights: [sees('c'), sees('b', false)], readDownTo: '' }, idle);
    assert.equal(order(read), 'cba');
    assert.equal(left(read), 'b');
  });

  it('are found by id among ten thousand', () => {
    const ids = Array.from({ length: 10_000 }, (_, at) => String(at).padStart(5, '0'));
    const sights = ids.map((id) => sees(id, true, Number(id) % 100 === 0));
    const { rows } = takeReading(emptyListing, { sights, readDownTo: '' }, idle);
    for (const id of ['00000', '00100', '00101', '09999']) assert.equal(rows[findRow(rows, id)]?.id, id);
    assert.equal(findRow(rows, '10000'), -1);
  });
});
