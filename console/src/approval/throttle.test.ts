import assert from 'node:assert/strict';
import { it } from 'node:test';
import { throttle } from './throttle.ts';

it('acts at once, then once per time, and for the last call too', (test) => {
  test.mock.timers.enable({ apis: ['setTimeout'] });
  let acts = 0;
  const act = throttle(() => acts++, 1_000);
  act();
  assert.equal(acts, 1);
  act();
  act();
  assert.equal(acts, 1);
  test.mock.timers.tick(1_000);
  assert.equal(acts, 2);
  test.mock.timers.tick(5_000);
  assert.equal(acts, 2);
  act();
  assert.equal(acts, 3);
});
