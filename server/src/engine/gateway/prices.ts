import type { PriceTable } from './price-table.ts';

/**
 * What models cost: US dollars for a million tokens, as Anthropic lists them. The first entry whose pattern matches a
 * model's name counts. The option `prices` names a file of the same shape, whose entries come before these.
 */
export const listPrices: PriceTable = {
  as_of: '2026-11-01',
  web_search: 0.01,
  // Of a model that no entry names: what the dearest model costs, so that a budget errs on the safe side.
  default: { input: 15, output: 75, cache_write_5m: 18.75, cache_write_1h: 30, cache_read: 1.5 },
  models: [
    price('*claude-fable-5-1*', 10, 50, { cache_read: 0.25 }),
    price('*claude-mythos-5-1*', 10, 50, { cache_read: 0.25 }),
    price('*claude-fable-*', 10, 50),
    price('*claude-mythos-*', 10, 50),
    price('*claude-opus-5-5*', 4, 20, { cache_read: 0.2 }),
    price('*claude-opus-5*', 5, 25),
    price('*claude-opus-4-[5-9]*', 5, 25),
    price('*claude-opus-4*', 15, 75),
    price('*claude-3-opus*', 15, 75),
    price('*claude-sonnet-5-5*', 2, 10, { cache_read: 0.1 }),
    price('*claude-sonnet-5*', 2, 10),
    price('*claude-*sonnet*', 3, 15),
    {
      ...price('*claude-haiku-5-5*', 0.1, 0.5),
      long_prompt: { above: 100_000, ...rates(0.5, 2.5) },
    },
    { ...price('*claude-haiku-4*', 1, 5), context_window: 200_000 },
    { ...price('*claude-3-5-haiku*', 0.8, 4), context_window: 200_000 },
    price('*claude-3-haiku*', 0.25, 1.25, { cache_write_5m: 0.3, cache_read: 0.03 }),
    // It costs nothing; the price of a small model makes budgets and bills something to look at.
    price('*demo*', 1, 5),
  ],
};

type Rates = PriceTable['default'];

/** With the usual relation of cached tokens to the others. */
function rates(input: number, output: number): Rates {
  return {
    input,
    output,
    cache_write_5m: round(input * 1.25),
    cache_write_1h: round(input * 2),
    cache_read: round(input * 0.1),
  };
}

function price(match: string, input: number, output: number, others: Partial<Rates> = {}) {
  return { match, ...rates(input, output), ...others };
}

function round(dollars: number): number {
  return Math.round(dollars * 10_000) / 10_000;
}
