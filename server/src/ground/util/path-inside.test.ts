import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isInside } from './path-inside.ts';

it('takes a directory and what is below it, but no sibling whose name begins alike', () => {
  assert.ok(isInside('/srv/work', '/srv/work'));
  assert.ok(isInside('/srv/work/a/b', '/srv/work'));
  assert.ok(isInside('/srv', '/'));
  assert.ok(!isInside('/srv/workshop', '/srv/work'));
  assert.ok(!isInside('/srv', '/srv/work'));
});
