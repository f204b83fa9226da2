import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knownModels } from './known-models.ts';
import { PriceList } from './price-list.ts';
import { listPrices } from './prices.ts';

const prices = new PriceList(listPrices, (model) => assert.fail(`asked for the price of ${model}`));
const none = { model: null, allowedModels: [], upstreams: [] };
const names = (settings: Partial<Parameters<typeof knownModels>[0]>): string[] =>
  knownModels({ ...none, ...settings }, prices).map(({ name }) => name);

describe('the models that a form offers', () => {
  it('are the aliases of the agent program, and those that have a price by their whole name', () => {
    const all = names({});
    assert.deepEqual(all.slice(0, 3), ['opus', 'sonnet', 'haiku']);
    assert.ok(all.includes('claude-opus-5-5'), String(all));
    assert.deepEqual(
      all.filter((name) => /[*[\]]/.test(name)),
      [],
    );
  });

  it('include those that the configuration names, and none twice', () => {
    const upstream = { baseUrl: 'http://x', apiKey: null, authToken: null, idleTimeout: null };
    const upstreams = [{ ...upstream, models: ['llama-4', 'qwen-*'] }];
    const all = names({ model: 'llama-4', upstreams });
    assert.equal(all.filter((name) => name === 'llama-4').length, 1);
    assert.ok(!all.includes('qwen-*'));
  });

  it('are held to the models that agents may use', () => {
    const all = names({ allowedModels: ['*sonnet*'], model: 'claude-opus-5-5' });
    assert.ok(all.includes('sonnet') && all.includes('claude-sonnet-5-5'), String(all));
    assert.deepEqual(
      all.filter((name) => !name.includes('sonnet')),
      [],
    );
  });

  it('have a context window where the prices say it', () => {
    const models = knownModels({ ...none, model: 'claude-haiku-4-5' }, prices);
    const windowOf = (name: string) => models.find((model) => model.name === name)?.contextWindow;
    assert.equal(windowOf('claude-haiku-4-5'), 200_000);
    assert.equal(windowOf('claude-opus-5-5'), null);
  });
});
