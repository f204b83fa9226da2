import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noUsage } from '../turn/turn.ts';
import { nothingSpent, SpendMeter, type Spent, sumOf } from './spend.ts';

const dollars = (costUsd: number): Spent => ({ costUsd, usage: { ...noUsage, input_tokens: costUsd * 100 } });

describe('the spending of a process', () => {
  it('is written down once: at each reading what is new, at the result the rest', () => {
    const meter = new SpendMeter(dollars(5));
    assert.deepEqual(meter.read(dollars(6)), dollars(1));
    assert.deepEqual(meter.read(dollars(8)), dollars(2));
    assert.deepEqual(meter.settle(dollars(4), dollars(9)), dollars(1));
    assert.deepEqual(meter.read(dollars(10)), dollars(1));
    assert.deepEqual(meter.settle(dollars(1), dollars(10)), nothingSpent);
  });

  it('is what was spent on all models', () => {
    const model = { inputTokens: 1, outputTokens: 2, cacheReadInputTokens: 3, cacheCreationInputTokens: 4 };
    const sum = sumOf({ opus: { ...model, costUSD: 0.5 }, haiku: { ...model, costUSD: 0.25 } });
    assert.equal(sum.costUsd, 0.75);
    assert.deepEqual(sum.usage, {
      input_tokens: 2,
      output_tokens: 4,
      cache_read_input_tokens: 6,
      cache_creation_input_tokens: 8,
    });
  });
});
