import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SessionEvent } from '@greenroom/client';
import { contextSize } from './context-size.ts';

const sdk = (data: object): SessionEvent => ({ kind: 'sdk', seq: 1, turn_id: null, at: '', data }) as never;
const answer = (usage: unknown, parent: string | null = null): SessionEvent =>
  sdk({ type: 'assistant', parent_tool_use_id: parent, message: { usage, model: 'claude-sonnet-5' } });

describe('the size of the context', () => {
  it('is what the last request of the agent itself took, cached or not', () => {
    const usage = {
      input_tokens: 10,
      cache_read_input_tokens: 2_000,
      cache_creation_input_tokens: 300,
      output_tokens: 40,
    };
    const result = sdk({
      type: 'result',
      modelUsage: {
        small: { outputTokens: 3, contextWindow: 100_000 },
        large: { outputTokens: 90, contextWindow: 200_000 },
      },
    });
    const newestFirst = [
      answer({ input_tokens: 9 }, 'toolu_1'),
      answer(usage),
      answer({ input_tokens: 1 }),
      result,
    ];
    assert.deepEqual(contextSize(newestFirst), { tokens: 2_350, window: 200_000, model: 'claude-sonnet-5' });
  });

  it('is unknown before the first answer, and its limit before the first result', () => {
    assert.equal(contextSize([]), null);
    assert.deepEqual(contextSize([answer({ input_tokens: 7 })]), {
      tokens: 7,
      window: null,
      model: 'claude-sonnet-5',
    });
  });

  it('is not misled by what has another shape', () => {
    const odd = [answer('none'), answer(null), sdk({ type: 'assistant', parent_tool_use_id: null })];
    assert.equal(contextSize([...odd, sdk({ type: 'result', modelUsage: [null, 4] })]), null);
  });
});
