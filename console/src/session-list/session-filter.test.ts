import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleId, sampleSummary } from './sample-summary.ts';
import { readSessionListSearch } from './search.ts';
import { matches, toCountFilter, toSummaryFilter } from './session-filter.ts';

describe('what the list is asked for', () => {
  it('is read from the address, and nonsense is left out', () => {
    assert.deepEqual(readSessionListSearch({ state: 'asleep', q: 7, label: 'no colon', archived: 'yes' }), {
      q: '7',
    });
    const search = { state: 'unread', q: 'retry', label: 'team:api', pinned: true, archived: true };
    assert.deepEqual(readSessionListSearch(search), search);
    assert.equal(readSessionListSearch({ q: 'x'.repeat(5_000) }).q?.length, 200);
  });

  it('is put to the server in its words; counts are of all states', () => {
    const search = { state: 'unread', q: ' retry ', label: String.raw`a\:b:c:d` } as const;
    assert.deepEqual(toSummaryFilter(search), {
      state: 'unread',
      q: 'retry',
      labels: { 'a:b': 'c:d' },
      pinned: undefined,
      archived: false,
    });
    assert.deepEqual(toCountFilter(search), { q: 'retry', labels: { 'a:b': 'c:d' } });
    assert.deepEqual(toCountFilter({ q: '  ', pinned: true }), {});
  });
});

describe('what the stream tells', () => {
  it('is wanted by state, pin, and archive', () => {
    const summary = sampleSummary({ state: 'unread', pinned: true });
    assert.equal(matches(summary, {}), true);
    assert.equal(matches(summary, { state: 'unread' }), true);
    assert.equal(matches(summary, { state: 'working' }), false);
    assert.equal(matches(summary, { pinned: true }), true);
    assert.equal(matches(summary, { archived: true }), false);
    assert.equal(matches(sampleSummary({ archived: true }), {}), false);
  });

  it('is wanted by part of title or prompt in any case, and by the beginning of the id', () => {
    const summary = sampleSummary({ session_id: sampleId(42), title: 'Fix Flaky TEST', prompt: 'リトライ' });
    for (const q of ['flaky test', 'トライ', '019AD000-', ' Fix '])
      assert.equal(matches(summary, { q }), true, q);
    assert.equal(matches(summary, { q: '000000000042' }), false);
    assert.equal(matches(sampleSummary({ title: null, prompt: null }), { q: 'x' }), false);
  });

  it('is wanted by label, where all labels are known', () => {
    const summary = sampleSummary({ metadata: { team: 'api' } });
    assert.equal(matches(summary, { label: 'team:api' }), true);
    assert.equal(matches(summary, { label: 'team:web' }), false);
    assert.equal(matches(summary, { label: 'constructor:x' }), false);
    assert.equal(matches({ ...summary, metadata_omitted: 3 }, { label: 'team:web' }), false);
    assert.equal(matches({ ...summary, metadata_omitted: 3 }, { label: 'owner:ann' }), null);
  });
});
