import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AgentMessage } from '../agent/agent-process.ts';
import { translate } from './translate.ts';

const at = new Date('2026-01-01T00:00:00Z');
const translated = (message: object) => translate(message as AgentMessage, 'turn', at);

it('keeps messages word for word, those of kinds that this program does not know among them', () => {
  for (const message of [
    { type: 'system', subtype: 'init', tools: ['Bash'], new_field: { a: [1] } },
    { type: 'assistant', message: { content: [{ type: 'new_block' }] } },
    { type: 'system' },
    { type: 'system', subtype: 'compact_boundary' },
    { type: 'kind_of_tomorrow', subtype: 'status' },
  ]) {
    assert.deepEqual(translated(message), [{ kind: 'sdk', data: message, turnId: 'turn', at }]);
  }
});

it('drops what only says how things stand at the moment', () => {
  assert.deepEqual(translated({ type: 'stream_event', event: {} }), []);
  assert.deepEqual(translated({ type: 'system', subtype: 'session_state_changed' }), []);
});
