import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SessionEvent } from '@greenroom/client';
import { describeEvent } from './describe-event.ts';

const say = (kind: string, data: unknown): string =>
  describeEvent({ kind, data } as unknown as Pick<SessionEvent, 'kind' | 'data'>);

describe('the line of an event', () => {
  it('is short, of one line, and takes any shape', () => {
    assert.equal(
      say('sdk', { type: 'assistant', message: { content: [{ type: 'tool_use', name: 'Bash' }] } }),
      'assistant tool_use Bash',
    );
    const long = say('prompt', { text: 'a\nb'.repeat(2_000_000) });
    assert.ok(long.length <= 121 && !long.includes('\n'));
    for (const data of [
      {},
      { message: 7 },
      { message: { content: [null, 1, 'x'] } },
      { approval: null, text: [] },
    ]) {
      for (const kind of ['prompt', 'turn', 'session', 'approval', 'sdk', 'of a newer server']) {
        assert.equal(typeof say(kind, data), 'string');
      }
    }
  });
});
