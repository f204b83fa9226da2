import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { StartupError } from '../../ground/errors.ts';
import { toDecimal } from '../../ground/util/money.ts';
import { noTokens, type Tokens } from '../../session/usage/tokens.ts';
import { PriceList } from './price-list.ts';
import { priceTable, readPriceFile } from './price-table.ts';
import { listPrices } from './prices.ts';

function list(table = listPrices) {
  const unknown: string[] = [];
  const prices = new PriceList(table, (model) => unknown.push(model));
  const cost = (model: string, tokens: Partial<Tokens>): string =>
    toDecimal(prices.costOf(model, { ...noTokens, ...tokens }));
  return { prices, unknown, cost };
}

describe('the prices', () => {
  it('are a table of its own shape', () => {
    assert.deepEqual(priceTable.parse(listPrices), listPrices);
  });

  it('are exact for a single token of every kind', () => {
    const { cost } = list();
    assert.equal(cost('claude-opus-4-5-20251101', { input: 1 }), '0.0000050000');
    assert.equal(cost('claude-haiku-4-5', { cacheRead: 1 }), '0.0000001000');
    assert.equal(cost('claude-sonnet-4-5', { cacheWrite5m: 1, cacheWrite1h: 1 }), '0.0000097500');
    assert.equal(cost('claude-sonnet-4-5', { output: 3, webSearches: 2 }), '0.0200450000');
  });

  it('are found by the first pattern that matches, with whatever a cloud puts around the name', () => {
    const { cost, unknown } = list();
    const million = { input: 1_000_000 };
    assert.equal(cost('claude-opus-5-5', million), '4.0000000000');
    assert.equal(cost('claude-opus-5', million), '5.0000000000');
    assert.equal(cost('us.anthropic.claude-opus-4-1-20250805-v1:0', million), '15.0000000000');
    assert.equal(cost('claude-opus-4-7', million), '5.0000000000');
    assert.equal(cost('claude-opus-4-1@20250805', million), '15.0000000000');
    assert.equal(cost('claude-3-7-sonnet-20250219', million), '3.0000000000');
    assert.deepEqual(unknown, []);
  });

  it('of a pattern for the name that the API knows hold for a name that a cloud gave the model', () => {
    const [usual] = listPrices.models;
    assert.ok(usual);
    const models = [{ ...usual, match: 'claude-haiku-4-5-*', input: 7 }];
    const { cost } = list({ ...listPrices, models });
    for (const name of ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-haiku-4-5@20251001']) {
      assert.equal(cost(name, { input: 1_000_000 }), '7.0000000000');
    }
  });

  it('rise for every token of a long prompt, where the model has such a price', () => {
    const { cost } = list();
    assert.equal(cost('claude-haiku-5-5', { input: 100_000, output: 10 }), '0.0100050000');
    assert.equal(cost('claude-haiku-5-5', { input: 1, cacheRead: 100_000, output: 10 }), '0.0050255000');
  });

  it('are the default for a model that no entry names, which is said once', () => {
    const { cost, unknown } = list();
    assert.equal(cost('mystery', { input: 1 }), '0.0000150000');
    assert.equal(cost('mystery', { output: 1 }), '0.0000750000');
    assert.deepEqual(unknown, ['mystery']);
  });

  it('bound a request from above, whatever kind its tokens turn out to be', () => {
    const { prices } = list();
    for (const model of ['claude-opus-5-5', 'claude-haiku-5-5', 'mystery']) {
      const bound = prices.boundOf(model, { bytes: 150_000, maxTokens: 100 });
      for (const kind of ['input', 'cacheRead', 'cacheWrite5m', 'cacheWrite1h'] as const) {
        const most = prices.costOf(model, { ...noTokens, [kind]: 150_000, output: 100 });
        assert.ok(most <= bound, `${model}, ${kind}`);
      }
    }
  });

  it('bound a request by the whole context of its model where input comes from elsewhere, each time it is asked', () => {
    const { prices, unknown } = list();
    const bound = (model: string, extent: object): number =>
      Math.round(Number(toDecimal(prices.boundOf(model, { bytes: 100, maxTokens: 100, ...extent }))) * 1e6);
    const output = 100 * 5;
    assert.equal(bound('claude-haiku-4-5', {}), 100 * 2 + output);
    assert.equal(bound('claude-haiku-4-5', { extraTokens: 5_000 }), 5_100 * 2 + output);
    const whole = 200_000 * 2 + output;
    assert.equal(bound('claude-haiku-4-5', { fillsContext: true }), whole);
    assert.equal(bound('claude-opus-5', { fillsContext: true }), 1e6 * 10 + 100 * 25);
    assert.equal(bound('claude-haiku-5-5', { fillsContext: true }), 1e6 * 1 + 100 * 2.5);
    assert.equal(
      bound('claude-haiku-4-5', { fillsContext: true, rounds: 3, searches: 2 }),
      3 * whole + 20_000,
    );
    const both = bound('claude-haiku-4-5', { otherModels: ['claude-opus-5'] });
    assert.equal(both, bound('claude-haiku-4-5', {}) + bound('claude-opus-5', {}));
    assert.deepEqual(unknown, []);
  });

  it('can be overridden by a file, and say what is wrong with it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'greenroom-test-'));
    try {
      const path = join(directory, 'prices.json');
      const rates = { input: 1, output: 2, cache_write_5m: 1, cache_write_1h: 1, cache_read: 0 };
      writeFileSync(path, JSON.stringify({ default: rates, models: [{ match: 'claude-opus*', ...rates }] }));
      const { cost } = list(readPriceFile(path, listPrices));
      assert.equal(cost('claude-opus-5', { output: 1_000_000 }), '2.0000000000');
      assert.equal(cost('mystery', { output: 1_000_000 }), '2.0000000000');
      assert.equal(cost('claude-haiku-4-5', { output: 1_000_000 }), '5.0000000000');
      writeFileSync(path, JSON.stringify({ default: { ...rates, input: 0.00001 } }));
      assert.throws(() => readPriceFile(path, listPrices), StartupError);
      assert.throws(() => readPriceFile(join(directory, 'none.json'), listPrices), StartupError);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
