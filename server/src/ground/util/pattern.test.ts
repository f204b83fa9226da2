import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchesPattern } from './pattern.ts';

describe('a pattern', () => {
  it('matches whole names: `*` is any text, a range one character, and all else itself', () => {
    assert.ok(matchesPattern('claude-*', 'claude-opus-5'));
    assert.ok(matchesPattern('*opus*', 'us.anthropic.claude-opus-4-1-v1:0'));
    assert.ok(matchesPattern('claude-opus-4-[5-9]*', 'claude-opus-4-7'));
    assert.ok(!matchesPattern('claude-opus-4-[5-9]*', 'claude-opus-4-1'));
    assert.ok(!matchesPattern('opus', 'claude-opus-5'));
    assert.ok(!matchesPattern('glm.4', 'glm-4'));
    assert.ok(matchesPattern('a(b)+', 'a(b)+'));
    assert.ok(matchesPattern('GPT*', 'gpt-x'));
  });
});
