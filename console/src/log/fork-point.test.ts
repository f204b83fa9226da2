import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SessionEvent } from '@greenroom/client';
import { afterTurn, beforePrompt, turnAfter } from './fork-point.ts';

const event = (seq: number, kind: string, phase = '', turn_id: string | null = null): SessionEvent =>
  ({ seq, kind, turn_id, at: '2026-12-01T00:00:00.000Z', data: { phase } }) as unknown as SessionEvent;
const events = [
  event(1, 'prompt', '', 'a'),
  event(2, 'turn', 'started', 'a'),
  event(3, 'turn', 'ended', 'a'),
  event(4, 'session'),
  event(5, 'prompt', '', 'b'),
  event(6, 'turn', 'started', 'b'),
  event(7, 'turn', 'ended', 'b'),
];

describe('where a fork begins', () => {
  it('is before the prompt that it says something else for', () => {
    assert.equal(beforePrompt({ seq: 5 }), 4);
    assert.equal(beforePrompt({ seq: 1 }), null);
    assert.equal(beforePrompt({ seq: null }), null);
  });

  it('is behind the last event of a turn', () => {
    assert.equal(afterTurn(events, { seq: 3 }), 4);
    assert.equal(afterTurn(events, { seq: 7 }), 7);
    assert.equal(afterTurn([], { seq: 7 }), 7);
  });
});

describe('files as they were at a row', () => {
  it('are those from when the next turn began', () => {
    assert.equal(turnAfter(events, 3), 'b');
    assert.equal(turnAfter(events, 7), null);
  });
});
