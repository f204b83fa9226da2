import { z } from 'zod';
import { noUsage, type TokenUsage } from '../turn/turn.ts';

/** US dollars and tokens. */
export type Spent = { costUsd: number; usage: TokenUsage };

export const nothingSpent: Spent = { costUsd: 0, usage: noUsage };

/** What the agent program says of each model that it used. */
export const modelUsage = z.record(
  z.string(),
  z.looseObject({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cacheReadInputTokens: z.number(),
    cacheCreationInputTokens: z.number(),
    costUSD: z.number(),
  }),
);

export function sumOf(models: z.infer<typeof modelUsage>): Spent {
  return Object.values(models).reduce<Spent>(
    (sum, model) =>
      add(sum, {
        costUsd: model.costUSD,
        usage: {
          input_tokens: model.inputTokens,
          output_tokens: model.outputTokens,
          cache_read_input_tokens: model.cacheReadInputTokens,
          cache_creation_input_tokens: model.cacheCreationInputTokens,
        },
      }),
    nothingSpent,
  );
}

export function add(one: Spent, other: Spent): Spent {
  return combine(one, other, (a, b) => a + b);
}

/** Never less than nothing: the totals of a process may begin anew. */
export function subtract(one: Spent, other: Spent): Spent {
  return combine(one, other, (a, b) => Math.max(0, a - b));
}

function combine(one: Spent, other: Spent, of: (a: number, b: number) => number): Spent {
  const kinds = Object.keys(noUsage) as (keyof TokenUsage)[];
  const usage = kinds.map((kind) => [kind, of(one.usage[kind], other.usage[kind])]);
  return { costUsd: of(one.costUsd, other.costUsd), usage: Object.fromEntries(usage) as TokenUsage };
}

/**
 * What of a process's spending is written down already. It is written down whenever the turn begins to wait for a person,
 * since the process may not live to say what the turn cost; the result then counts only for the rest.
 */
export class SpendMeter {
  #totals: Spent;
  #written = nothingSpent;

  /** `totals`: what the process begins to count from. */
  constructor(totals: Spent) {
    this.#totals = totals;
  }

  /** @returns what was spent since the last reading; the caller writes it down */
  read(totals: Spent): Spent {
    const spent = subtract(totals, this.#totals);
    this.#totals = totals;
    this.#written = add(this.#written, spent);
    return spent;
  }

  /** @returns what of a result's spending is not written down yet */
  settle(spent: Spent, totals: Spent): Spent {
    const rest = subtract(spent, this.#written);
    this.#totals = totals;
    this.#written = nothingSpent;
    return rest;
  }
}
