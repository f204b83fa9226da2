import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Approval } from '@greenroom/client';
import { type Slot, takePending } from './strip-slots.ts';

function approval(id: string): Approval {
  return {
    approval_id: id,
    session_id: 's',
    turn_id: 't',
    kind: 'tool',
    tool_name: 'Bash',
    tool_use_id: 'u',
    agent_id: null,
    input: {},
    description: null,
    plan: null,
    rules: [],
    status: 'pending',
    answer: null,
    decided_by: null,
    requested_at: `2026-12-01T00:00:0${id}.000Z`,
    decided_at: null,
    expires_at: '2026-12-02T00:00:00.000Z',
  };
}

const shown = (slots: readonly Slot[]): string =>
  slots.map((slot) => `${slot.approval.approval_id}${slot.isPending ? '' : '✓'}`).join(' ');

describe('the strip of what needs you', () => {
  const first = takePending([], ['3', '2', '1'].map(approval), { keeps: () => false });

  it('has what waits longest first, and what is new behind', () => {
    assert.equal(shown(first), '1 2 3');
    assert.equal(
      shown(takePending(first, ['4', '3', '2', '1'].map(approval), { keeps: () => false })),
      '1 2 3 4',
    );
  });

  it('keeps the place of what was answered while somebody points at it, and then closes up', () => {
    const answered = takePending(first, ['3', '2'].map(approval), { keeps: () => true });
    assert.equal(shown(answered), '1✓ 2 3');
    assert.equal(shown(takePending(answered, ['3', '2'].map(approval), { keeps: () => false })), '2 3');
  });
});
