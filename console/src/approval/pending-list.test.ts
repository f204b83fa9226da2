import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Approval } from '@greenroom/client';
import { sampleSummary } from '../session-list/sample-summary.ts';
import { changesPending, withApproval } from './pending-list.ts';

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

describe('what the stream tells of a session', () => {
  const idle = sampleSummary();
  const asking = sampleSummary({ status: 'running', waiting_for: 'approval', pending_approvals: 1 });

  it('changes what is pending when it begins to wait, waits no more, or waits for something else', () => {
    assert.equal(changesPending(asking, idle), true);
    assert.equal(changesPending(idle, asking), true);
    assert.equal(changesPending({ ...asking, pending_approvals: 2 }, asking), true);
    assert.equal(changesPending({ ...asking, last_seq: asking.last_seq + 2 }, asking), true);
    assert.equal(changesPending(undefined, asking), true);
  });

  it('changes nothing while nobody waits, nor when it is told again', () => {
    assert.equal(changesPending({ ...idle, last_seq: idle.last_seq + 2 }, idle), false);
    assert.equal(changesPending({ ...asking }, asking), false);
    assert.equal(changesPending(idle, undefined), false);
  });
});
