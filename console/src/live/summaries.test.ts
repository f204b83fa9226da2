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
