import { z } from 'zod';
import { addTokens, combine, noTokens, type Tokens } from '../../session/usage/tokens.ts';
import { modelName } from './model-request.ts';

/** More than any request has: what an API says beyond that is counted as this, so that it can be written down. */
const MAX_TOKENS = 1_000_000_000;
const MAX_SEARCHES = 1_000_000;

/** What is no count is not said. */
const count = (max: number) =>
  z
    .number()
    .min(0)
    .transform((value) => Math.min(Math.round(value), max))
    .optional()
    .catch(undefined);
const tokens = count(MAX_TOKENS);

const figures = {
  input_tokens: tokens,
  output_tokens: tokens,
  cache_read_input_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_creation: z.looseObject({ ephemeral_1h_input_tokens: tokens }).optional().catch(undefined),
};
/** One of the times that models were asked for an answer; the model is named where it may be another one. */
const iteration = z.looseObject({
  ...figures,
  type: z.string().catch(''),
  model: modelName.optional().catch(undefined),
});
/** Those that the totals leave out. */
const leftOut = new Set(['compaction', 'advisor_message']);
const MAX_ITERATIONS = 1_000;

/** What the Messages API says of a request's usage; in a stream it comes in several parts. */
const usage = z.looseObject({
  ...figures,
  /** Of compactions, advisors and fallbacks as well. */
  iterations: z.array(iteration).max(MAX_ITERATIONS).optional().catch(undefined),
  server_tool_use: z
    .looseObject({ web_search_requests: count(MAX_SEARCHES) })
    .optional()
    .catch(undefined),
});
export type UsageFields = z.infer<typeof usage>;

const text = z.string().catch('');
const piece = z.looseObject({
  type: text,
  text,
  thinking: text,
  partial_json: text,
  /** Of thinking that is not shown. */
  data: text,
  input: z.unknown().optional(),
});

const saidUsage = usage.optional().catch(undefined);
/** An answer that is no stream, or what one begins with. */
export const answerMessage = z.looseObject({
  model: modelName.nullable().catch(null),
  usage: saidUsage,
  content: z.array(piece).catch([]),
});

export const errorAnswer = z.looseObject({ type: z.literal('error') });

/** What tells of its usage in a stream. */
export const streamEvent = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('message_start'), message: answerMessage }),
  z.looseObject({ type: z.literal('content_block_start'), content_block: piece }),
  z.looseObject({ type: z.literal('content_block_delta'), delta: piece }),
  z.looseObject({ type: z.literal('message_delta'), usage: saidUsage }),
  z.looseObject({ type: z.literal('message_stop') }),
  errorAnswer,
]);

/** How much a model wrote in a part of its answer. What a tool of the API's own answered, it did not write. */
export function writtenBytes(part: z.infer<typeof piece>): number {
  if (part.type.endsWith('_tool_result')) return 0;
  const { input } = part;
  const json =
    typeof input === 'object' && input !== null && Object.keys(input).length > 0 ? JSON.stringify(input) : '';
  return Buffer.byteLength(part.text + part.thinking + part.partial_json + part.data + json);
}

type Iteration = z.infer<typeof iteration>;

/** The figures of an answer so far, from all the parts that it says them in. */
export class UsageFigures {
  readonly tokens: Tokens = { ...noTokens };
  #iterations: readonly Iteration[] = [];

  /** What the model used that answered, and what others did that were asked for the same answer. */
  byModel(model: string): { tokens: Tokens; others: { model: string; tokens: Tokens }[] } {
    const sums = new Map<string, Tokens>();
    let all = noTokens;
    for (const { model: asked = model, ...said } of this.#iterations) {
      const one = new UsageFigures();
      one.read(said);
      sums.set(asked, addTokens(sums.get(asked) ?? noTokens, one.tokens));
      if (!leftOut.has(said.type)) all = addTokens(all, one.tokens);
    }
    // What the totals have and the iterations do not: all of it where there are none.
    const rest = combine(this.tokens, all, (total, said) => Math.max(0, total - said));
    const tokens = addTokens(sums.get(model) ?? noTokens, rest);
    sums.delete(model);
    return { tokens, others: [...sums].map(([name, one]) => ({ model: name, tokens: one })) };
  }

  /** They are totals. A later one stands for an earlier one; but what was written once stays so, and 0 is not said. */
  read(said: UsageFields | undefined): void {
    if (said === undefined) return;
    const all = this.tokens;
    all.output = Math.max(all.output, said.output_tokens ?? 0);
    all.webSearches = Math.max(all.webSearches, said.server_tool_use?.web_search_requests ?? 0);
    all.input = said.input_tokens || all.input;
    all.cacheRead = said.cache_read_input_tokens || all.cacheRead;
    all.cacheWrite1h = said.cache_creation?.ephemeral_1h_input_tokens || all.cacheWrite1h;
    const { cache_creation_input_tokens: written } = said;
    if (written) all.cacheWrite5m = Math.max(0, written - all.cacheWrite1h);
    if (said.iterations) this.#iterations = said.iterations;
  }
}
