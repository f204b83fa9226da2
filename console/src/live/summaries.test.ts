import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleId, sampleSummary } from '../session-list/sample-summary.ts';
import { Summaries } from './summaries.ts';

const id = sampleId(1);
const states = (summaries: Summaries): (string | undefined)[] =>
  [1, 2].map((number) => summaries.get(sampleId(number))?.state);

describe('how sessions stand', () => {
  it('is what came last, and never what is older', () => {
    const summaries = new Summaries();
    summaries.set(id, sampleSummary({ last_seq: 9 }));
    summaries.set(id, sampleSummary({ last_seq: 8, state: 'working' }));
    assert.deepEqual(states(summaries), ['idle', undefined]);
  });

  it('is what was done here, whatever was read before and is told after it', () => {
    const summaries = new Summaries();
    const archived = (): unknown => summaries.get(id)?.archived;
    summaries.set(id, sampleSummary({ updated_at: '2026-12-01T00:00:09.000Z' }));
    const end = summaries.change(id, (told) => ({ ...told, archived: true }));
    assert.equal(archived(), true);
    // Of a change before it, on its way since.
    summaries.set(id, sampleSummary({ updated_at: '2026-12-01T00:00:10.000Z', turn_count: 2 }));
    assert.deepEqual([archived(), summaries.get(id)?.turn_count], [true, 2]);
    end((told) => ({ ...told, archived: true, updated_at: '2026-12-01T00:00:11.000Z' }));
    summaries.set(id, sampleSummary({ updated_at: '2026-12-01T00:00:10.500Z' }));
    assert.equal(archived(), true);
    summaries.set(id, sampleSummary({ updated_at: '2026-12-01T00:00:12.000Z' }));
    assert.equal(archived(), false);
  });

  it('is what is marked here until something is marked later', () => {
    const summaries = new Summaries();
    const pinned = (): unknown => summaries.get(id)?.pinned;
    summaries.set(id, sampleSummary({ marked_at: null }));
    summaries.change(id, (told) => ({ ...told, pinned: true }))((told) => ({
      ...told,
      pinned: true,
      marked_at: '2026-12-01T00:00:11.000Z',
    }));
    for (const marked_at of [null, '2026-12-01T00:00:10.000Z'])
      summaries.set(id, sampleSummary({ marked_at }));
    assert.equal(pinned(), true);
    summaries.set(id, sampleSummary({ marked_at: '2026-12-01T00:00:12.000Z' }));
    assert.equal(pinned(), false);
  });

  it('is as it was told when what was tried here fails, and keeps what else is under way', () => {
    const summaries = new Summaries();
    const shown = (): unknown[] => [summaries.get(id)?.pinned, summaries.get(id)?.archived];
    summaries.set(id, sampleSummary());
    const pin = summaries.change(id, (told) => ({ ...told, pinned: true }));
    const archive = summaries.change(id, (told) => ({ ...told, archived: true }));
    assert.deepEqual(shown(), [true, true]);
    pin(null);
    assert.deepEqual(shown(), [false, true]);
    summaries.set(id, undefined);
    assert.equal(summaries.get(id), undefined);
    archive(null);
    assert.equal(summaries.get(id), undefined);
  });

  it('is not taken from an answer that was asked for before the stream told of it', () => {
    const summaries = new Summaries();
    const askedAt = summaries.version();
    summaries.set(id, sampleSummary({ state: 'idle', read_seq: 9 }));
    summaries.takeRead(
      [sampleSummary({ state: 'unread', read_seq: 0 }), sampleSummary({ session_id: sampleId(2) })],
      askedAt,
    );
    assert.deepEqual(states(summaries), ['idle', 'idle']);
    summaries.takeRead([sampleSummary({ state: 'unread' })], summaries.version());
    assert.deepEqual(states(summaries), ['unread', 'idle']);
  });

  it('does not bring back what was deleted while the answer was under way', () => {
    const summaries = new Summaries();
    summaries.set(id, sampleSummary());
    const askedAt = summaries.version();
    summaries.set(id, undefined);
    summaries.takeRead([sampleSummary()], askedAt);
    assert.deepEqual(states(summaries), [undefined, undefined]);
  });

  it('tells of each change, with what was before', () => {
    const summaries = new Summaries();
    const told: unknown[] = [];
    summaries.subscribeAll((sessionId, now, before) => told.push([sessionId, now?.state, before?.state]));
    const summary = sampleSummary();
    summaries.set(id, summary);
    summaries.set(id, summary);
    summaries.set(id, sampleSummary({ state: 'working' }));
    summaries.set(id, undefined);
    assert.deepEqual(told, [
      [id, 'idle', undefined],
      [id, 'working', 'idle'],
      [id, undefined, 'working'],
    ]);
  });
});
