import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Mark, runningTime } from './running-time.ts';

/** Events at so many milliseconds, each with when the one before it was. */
function marks(...events: [number, Mark['says']][]): Mark[] {
  return events.map(([at, says], n) => {
    const before = events[n - 1]?.[0];
    return { says, at: new Date(at), before: before === undefined ? null : new Date(before) };
  });
}

describe('how long a turn has run', () => {
  it('counts from its start to what was heard of it last', () => {
    assert.equal(runningTime([]), 0);
    assert.equal(runningTime(marks([0, 'turn queued'])), 0);
    assert.equal(
      runningTime(marks([0, 'turn queued'], [500, 'turn started'], [800, null], [900, null])),
      400,
    );
  });

  it('does not count while a person is waited for', () => {
    const asked = marks(
      [0, 'turn started'],
      [100, 'approval requested'],
      [9_000, 'approval decided'],
      [9_050, null],
    );
    assert.equal(runningTime(asked), 150);
    const two = marks(
      [0, 'turn started'],
      [100, 'approval requested'],
      [150, 'approval requested'],
      [300, 'approval expired'],
      [9_000, 'approval withdrawn'],
      [9_010, null],
    );
    assert.equal(runningTime(two), 110);
    assert.equal(runningTime(marks([0, 'turn started'], [100, 'approval requested'], [700, null])), 100);
  });

  it('does not count while it had no process', () => {
    const cut = marks([0, 'turn started'], [200, null], [60_000, 'turn continued'], [60_300, null]);
    assert.equal(runningTime(cut), 500);
  });
});
