import { dollars, type Money, tokenPrice } from '../../ground/util/money.ts';
import type { Tokens } from '../../session/usage/tokens.ts';
import { meansModel } from './model-name.ts';
import type { ModelPrice, PriceTable, Rates } from './price-table.ts';

type Price = Rates & Pick<ModelPrice, 'long_prompt' | 'context_window'>;

/** What a request can come to. */
export type Extent = {
  /** Of its body. */
  bytes: number;
  /** Of each answer. */
  maxTokens: number;
  /** Input that does not show in the bytes. */
  extraTokens?: number;
  /** Input comes in from elsewhere, until the model's context is full. */
  fillsContext?: boolean;
  /** How often the model is asked, each time with all that is there. */
  rounds?: number;
  /** By the model API. */
  searches?: number;
  /** Models that may be asked as well. */
  otherModels?: readonly string[];
};

/** Of a model whose entry does not say: the largest there is. */
const CONTEXT_WINDOW = 1_000_000;

/** What model requests cost. */
export class PriceList {
  readonly #table: PriceTable;
  readonly #onUnknown: (model: string) => void;
  readonly #found = new Map<string, Price>();

  /** `onUnknown` is called once for each model without an entry. */
  constructor(table: PriceTable, onUnknown: (model: string) => void) {
    this.#table = table;
    this.#onUnknown = onUnknown;
  }

  /** Tokens; null where no entry says it. */
  contextWindowOf(model: string): number | null {
    return this.#entryOf(model)?.context_window ?? null;
  }

  /** Those that entries name whole: the version too, and nothing left open. */
  get models(): string[] {
    return this.#table.models.flatMap(
      ({ match }) => /^\*?(claude-[a-z]+-\d+-\d+)\*?$/.exec(match)?.[1] ?? [],
    );
  }

  costOf(model: string, tokens: Tokens): Money {
    const { long_prompt, ...normal } = this.#find(model);
    const { input, cacheRead, cacheWrite5m, cacheWrite1h } = tokens;
    const prompt = input + cacheRead + cacheWrite5m + cacheWrite1h;
    const rates = long_prompt !== undefined && prompt > long_prompt.above ? long_prompt : normal;
    return (
      times(input, rates.input) +
      times(tokens.output, rates.output) +
      times(cacheRead, rates.cache_read) +
      times(cacheWrite5m, rates.cache_write_5m) +
      times(cacheWrite1h, rates.cache_write_1h) +
      BigInt(tokens.webSearches) * dollars(this.#table.web_search)
    );
  }

  /**
   * More than a request can cost: a token is at least a byte of the body, unless input comes from elsewhere, and all of
   * the prompt may be written to the cache.
   */
  boundOf(model: string, extent: Extent): Money {
    const { otherModels = [], rounds = 1, searches = 0 } = extent;
    const asked = [model, ...otherModels].map((name) => this.#boundOfRound(name, extent));
    const round = asked.reduce((sum, one) => sum + one);
    return BigInt(rounds) * round + BigInt(searches) * dollars(this.#table.web_search);
  }

  #boundOfRound(model: string, { bytes, maxTokens, extraTokens = 0, fillsContext = false }: Extent): Money {
    const price = this.#find(model);
    const { long_prompt, context_window = CONTEXT_WINDOW } = price;
    const inBody = bytes + extraTokens;
    const input = fillsContext ? Math.max(inBody, context_window) : inBody;
    const tiers = long_prompt === undefined ? [price] : [price, long_prompt];
    const bounds = tiers.map((rates) => {
      const dearest = Math.max(rates.input, rates.cache_write_5m, rates.cache_write_1h);
      return times(input, dearest) + times(maxTokens, rates.output);
    });
    return bounds.reduce((one, other) => (one > other ? one : other));
  }

  #entryOf(model: string): ModelPrice | undefined {
    return this.#table.models.find(({ match }) => meansModel(match, model));
  }

  #find(model: string): Price {
    const known = this.#found.get(model);
    if (known !== undefined) return known;
    const entry = this.#entryOf(model);
    if (entry === undefined) this.#onUnknown(model);
    const price = entry ?? this.#table.default;
    // Names come from agents: what is kept of them is bounded.
    if (this.#found.size < 1000) this.#found.set(model, price);
    return price;
  }
}

function times(tokens: number, dollarsPerMillion: number): Money {
  return BigInt(Math.max(0, Math.ceil(tokens))) * tokenPrice(dollarsPerMillion);
}
