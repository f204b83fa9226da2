import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorMessage, StartupError } from '../../ground/errors.ts';

const money = z
  .number()
  .min(0)
  .max(1_000_000)
  .refine((value) => Math.abs(value * 1e4 - Math.round(value * 1e4)) < 1e-6, 'has at most four decimals');

/** US dollars for a million tokens. */
const rates = z.strictObject({
  input: money,
  output: money,
  cache_write_5m: money,
  cache_write_1h: money,
  cache_read: money,
});
export type Rates = z.infer<typeof rates>;

const modelPrice = rates.extend({
  /** Of model names; `*` stands for any text. */
  match: z.string().min(1),
  /** How many tokens the model takes, its answer included; a million where it is not said. */
  context_window: z.int().min(1).optional(),
  /** What every token of a request costs whose prompt is longer than `above` tokens. */
  long_prompt: rates.extend({ above: z.int().min(1) }).optional(),
});
export type ModelPrice = z.infer<typeof modelPrice>;

export const priceTable = z.strictObject({
  as_of: z.iso.date(),
  /** One search by the model API, in US dollars. */
  web_search: money,
  default: rates,
  models: z.array(modelPrice),
});
export type PriceTable = z.infer<typeof priceTable>;

/** A file of the same shape: its entries come first, and what it leaves out stays. */
export function readPriceFile(path: string, base: PriceTable): PriceTable {
  try {
    const file = priceTable.partial().parse(JSON.parse(readFileSync(path, 'utf8')));
    return {
      as_of: file.as_of ?? base.as_of,
      web_search: file.web_search ?? base.web_search,
      default: file.default ?? base.default,
      models: [...(file.models ?? []), ...base.models],
    };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : errorMessage(error);
    throw new StartupError(`cannot use the price file ${path}: ${reason}`, {
      cause: error,
      hint: 'docs/budgets.md describes its shape',
    });
  }
}
