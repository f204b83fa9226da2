import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Approval } from '@greenroom/client';
import { type Answer, deliveryOf, isOwnAnswer } from './answer.ts';

const decided = (answer: Record<string, unknown>, decided_by = 'local') =>
  ({ answer, decided_by, status: 'allowed' }) as Approval;

describe('what came of an answer', () => {
  it('is unknown when the connection broke, or the server failed', () => {
    assert.equal(deliveryOf({}), 'unsent');
    assert.equal(deliveryOf({ status: 502, code: 'unexpected_answer' }), 'unsent');
    assert.equal(deliveryOf({ status: 503, code: 'database_unavailable' }), 'unsent');
    assert.equal(deliveryOf({ status: 401, code: 'unauthorized' }), 'unsent');
  });

  it('is told apart where the server said it', () => {
    assert.equal(deliveryOf({ status: 409, code: 'approval_decided' }), 'decided');
    assert.equal(deliveryOf({ status: 404, code: 'not_found' }), 'gone');
    assert.equal(deliveryOf({ status: 422, code: 'invalid_request' }), 'refused');
    assert.equal(deliveryOf({ status: 403, code: 'forbidden' }), 'refused');
  });
});

describe('an answer whose confirmation got lost', () => {
  it('is known by what was decided', () => {
    const allow: Answer = { act: 'allow', updated_input: { a: 1, b: [{ c: 2 }] } };
    const stored = { updated_input: { b: [{ c: 2 }], a: 1 }, scope: 'once', decision: 'allow' };
    assert.equal(isOwnAnswer(decided(stored), allow, 'local'), true);
    assert.equal(isOwnAnswer(decided({ decision: 'allow', scope: 'once' }), { act: 'allow' }, 'local'), true);
    const answer: Answer = { act: 'answer', answers: { 'Q?': ['S', 'M'] } };
    assert.equal(isOwnAnswer(decided({ answers: { 'Q?': ['S', 'M'] } }), answer, 'local'), true);
  });

  it('is not taken for that of somebody else, nor for another one', () => {
    const stored = { decision: 'allow', scope: 'once' };
    assert.equal(isOwnAnswer(decided(stored, 'ci'), { act: 'allow' }, 'local'), false);
    assert.equal(isOwnAnswer(decided(stored), { act: 'deny', message: 'no' }, 'local'), false);
    assert.equal(isOwnAnswer(decided(stored), { act: 'allowForSession', rules: [] }, 'local'), false);
    assert.equal(
      isOwnAnswer(decided({ ...stored, updated_input: { a: 1 } }), { act: 'allow' }, 'local'),
      false,
    );
  });
});
