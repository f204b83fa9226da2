import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calm } from './calm.ts';

/** A clock that goes on when it is told to. */
function handClock() {
  let now = 0;
  const due: { at: number; act: () => void }[] = [];
  return {
    now: () => now,
    after: (ms: number, act: () => void) => void due.push({ at: now + ms, act }),
    goTo: (at: number) => {
      now = at;
      for (const { act } of due.filter((one) => one.at <= at)) act();
      due.splice(0, due.length, ...due.filter((one) => one.at > at));
    },
  };
}

describe('what is done calmly', () => {
  it('is done once, soon, however often it was asked for', () => {
    const clock = handClock();
    let done = 0;
    const ask = calm(() => done++, { soonMs: 200, restMs: 2_000 }, clock);
    for (let times = 0; times < 100; times++) ask();
    clock.goTo(199);
    assert.equal(done, 0);
    clock.goTo(200);
    assert.equal(done, 1);
  });

  it('rests in between, and forgets nothing that was asked for meanwhile', () => {
    const clock = handClock();
    let done = 0;
    const ask = calm(() => done++, { soonMs: 200, restMs: 2_000 }, clock);
    ask();
    clock.goTo(200);
    ask();
    clock.goTo(2_199);
    assert.equal(done, 1);
    clock.goTo(2_200);
    assert.equal(done, 2);
    clock.goTo(10_000);
    ask();
    clock.goTo(10_200);
    assert.equal(done, 3);
  });
});
