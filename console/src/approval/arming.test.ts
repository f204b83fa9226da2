import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ARMING_MS, Arming } from './arming.ts';

it('takes an answer only when nothing has moved for half a second', (test) => {
  test.mock.timers.enable({ apis: ['setTimeout'] });
  const arming = new Arming();
  assert.equal(arming.isArmed.get(), false);
  arming.disarm();
  test.mock.timers.tick(ARMING_MS - 1);
  arming.disarm();
  test.mock.timers.tick(ARMING_MS - 1);
  assert.equal(arming.isArmed.get(), false);
  test.mock.timers.tick(1);
  assert.equal(arming.isArmed.get(), true);
  arming.disarm();
  assert.equal(arming.isArmed.get(), false);
});
