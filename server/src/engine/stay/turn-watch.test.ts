import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import type { TurnError } from '../../session/turn/turn.ts';
import { TurnWatch } from './turn-watch.ts';

function watch(limits: { deadlineMs?: number; stallMs?: number }) {
  const clock = new ManualClock();
  const ended: TurnError[] = [];
  let heardAt = 0;
  const all = { clock, deadlineMs: null, stallMs: 1_000_000, ...limits };
  const turn = new TurnWatch(
    all,
    () => heardAt,
    (error) => ended.push(error),
  );
  const hear = (): void => {
    heardAt = clock.now();
  };
  return { clock, ended, turn, hear };
}

describe('a turn that is watched', () => {
  it('ends once, when it has run for as long as it may', () => {
    const { clock, ended, turn } = watch({ deadlineMs: 5_000 });
    turn.run();
    clock.pass(4_999);
    assert.equal(ended.length, 0);
    clock.pass(1);
    clock.pass(10_000);
    assert.deepEqual(ended, [{ code: 'timeout', message: 'The turn took longer than 5 s.' }]);
  });

  it('is not counted while it waits', () => {
    const { clock, ended, turn } = watch({ deadlineMs: 5_000, stallMs: 3_000 });
    turn.run();
    clock.pass(2_000);
    turn.pause();
    clock.pass(3_600_000);
    turn.run();
    clock.pass(2_999);
    assert.equal(ended.length, 0);
    clock.pass(1);
    assert.equal(ended.length, 1);
  });

  it('ends when nothing is heard of it, and goes on for as long as something is', () => {
    const { clock, ended, turn, hear } = watch({ stallMs: 1_000 });
    turn.run();
    for (let n = 0; n < 10; n++) {
      clock.pass(900);
      hear();
    }
    assert.equal(ended.length, 0);
    clock.pass(1_000);
    assert.match(ended[0]?.message ?? '', /Nothing was heard of the agent and the model for 1 s/);
  });

  it('ends at once when all its time was used up before', () => {
    const { clock, ended, turn } = watch({ deadlineMs: 0 });
    turn.run();
    clock.pass(0);
    assert.equal(ended.length, 1);
  });
});
