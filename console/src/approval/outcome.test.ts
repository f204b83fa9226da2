import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Approval } from '@greenroom/client';
import { describeOutcome } from './outcome.ts';

const says = (fields: Partial<Approval>) =>
  describeOutcome({ kind: 'tool', decided_by: 'ci', answer: null, ...fields } as Approval).says;

it('says how an approval was decided', () => {
  assert.equal(
    says({ status: 'allowed', answer: { decision: 'allow', scope: 'once' } }),
    'approval.outcome.allowed',
  );
  assert.equal(
    says({ status: 'allowed', answer: { scope: 'once', updated_input: { a: 1 } } }),
    'approval.outcome.allowedEdited',
  );
  assert.equal(
    says({ status: 'allowed', answer: { scope: 'session' } }),
    'approval.outcome.allowedForSession',
  );
  assert.equal(says({ status: 'allowed', kind: 'plan' }), 'approval.outcome.accepted');
  assert.equal(says({ status: 'denied', kind: 'plan' }), 'approval.outcome.sentBack');
  assert.equal(says({ status: 'expired' }), 'approval.outcome.expired');
  assert.equal(says({ status: 'withdrawn' }), 'approval.outcome.withdrawn');
});
