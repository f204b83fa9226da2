import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Summaries } from '../live/summaries.ts';
import { emptyListing, takeReading } from './listing.ts';
import { type Known, readingOf } from './reading.ts';
import { sampleId, sampleSummary } from './sample-summary.ts';

/** Sessions 1 … `count` are known by the stream; even ones are pinned. */
function known(count: number): Summaries {
  const summaries = new Summaries();
  for (let number = 1; number <= count; number++) add(summaries, number);
  return summaries;
}

function add(summaries: Summaries, number: number, archived = false): void {
  summaries.set(sampleId(number), sampleSummary({ session_id: sampleId(number), archived }));
}

function rowsOf(summaries: Summaries, given: Partial<Known>): (string | undefined)[] {
  const reading = readingOf({
    pages: [],
    pinned: undefined,
    rowIds: [],
    summaries,
    sightOf: (id) => ({ id, match: summaries.get(id)?.archived === false, isPinned: false }),
    ...given,
  });
  const { rows } = takeReading(emptyListing, reading, { now: 0, isHeld: false });
  return rows.map(({ id }) => id.slice(-2));
}

const page = (numbers: number[], next: number | null, askedAt: number): Known['pages'][number] => ({
  ids: numbers.map(sampleId),
  next: next === null ? null : sampleId(next),
  askedAt,
});

describe('what gets a row', () => {
  it('is what pages have, as long as it still matches', () => {
    const summaries = known(3);
    const pages = [page([3, 2, 1], null, summaries.version())];
    add(summaries, 2, true);
    assert.deepEqual(rowsOf(summaries, { pages }), ['03', '01']);
  });

  it('is also what the stream told of since, and within reach', () => {
    const summaries = known(3);
    const askedAt = summaries.version();
    add(summaries, 4);
    add(summaries, 1);
    assert.deepEqual(rowsOf(summaries, { pages: [page([3], 3, askedAt)] }), ['04', '03']);
  });

  it('is nothing that the server does not have any more and nobody heard of since', () => {
    const summaries = known(3);
    const pages = [page([3, 1], null, summaries.version())];
    assert.deepEqual(rowsOf(summaries, { pages, rowIds: [sampleId(2)] }), ['03', '01']);
  });

  it('is what was heard of since its own page was read, whenever the others were', () => {
    const summaries = known(4);
    const before = summaries.version();
    add(summaries, 1, true);
    add(summaries, 1);
    const rowIds = [sampleId(1)];
    const lately = [page([4, 3], 3, before), page([2], null, summaries.version())];
    assert.deepEqual(rowsOf(summaries, { pages: lately, rowIds }), ['04', '03', '02']);
    const earlier = [page([4, 3], 3, summaries.version()), page([2], null, before)];
    assert.deepEqual(rowsOf(summaries, { pages: earlier, rowIds }), ['04', '03', '02', '01']);
  });

  it('is what is pinned, beyond reach as well', () => {
    const summaries = known(3);
    const pages = [page([3], 3, summaries.version())];
    assert.deepEqual(rowsOf(summaries, { pages, pinned: { ids: [sampleId(1)] } }), ['03', '01']);
  });

  it('is what the server says where nobody here can tell, and nothing else of that kind', () => {
    const summaries = known(2);
    const sightOf = (id: string) => ({ id, match: null, isPinned: false });
    const pages = [page([2], null, 0)];
    assert.deepEqual(rowsOf(summaries, { pages, sightOf }), ['02']);
  });
});
