import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Approval } from '@greenroom/client';
import { withApproval } from './pending-list.ts';

const approval = (approval_id: string, minute: number, status: Approval['status'] = 'pending') =>
  ({ approval_id, requested_at: `2026-11-21T15:0${minute}:00.000Z`, status }) as Approval;

it('has what is pending once each, oldest first', () => {
  const list = withApproval([approval('b', 2)], approval('a', 1));
  assert.deepEqual(
    list.map(({ approval_id }) => approval_id),
    ['a', 'b'],
  );
  assert.equal(withApproval(list, approval('a', 1)).length, 2);
});

it('loses what is decided', () => {
  assert.deepEqual(withApproval([approval('a', 1)], approval('a', 1, 'allowed')), []);
});
