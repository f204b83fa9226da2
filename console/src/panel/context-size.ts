import type { SessionEvent } from '@greenroom/client';

/** How full the model's context was at its last request: tokens that went in and came out of it. */
export type ContextSize = {
  tokens: number;
  /** What fits, where the program has said it. */
  window: number | null;
  /** That answered, by its whole name. */
  model: string | null;
};

type Numbers = Record<string, unknown>;

/**
 * From the newest events, newest first. The agent's own last message has what its request took; the last result says how
 * much the model takes. Subagents have contexts of their own.
 */
export function contextSize(newestFirst: readonly SessionEvent[]): ContextSize | null {
  let tokens: number | null = null;
  let window: number | null = null;
  let model: string | null = null;
  for (const event of newestFirst) {
    if (event.kind !== 'sdk') continue;
    const message = event.data as unknown as Numbers;
    if (tokens === null && message.type === 'assistant' && message.parent_tool_use_id === null) {
      const answer = message.message as Numbers | undefined;
      tokens = tokensOf(answer?.usage);
      model = typeof answer?.model === 'string' ? answer.model : null;
    }
    if (window === null && message.type === 'result') window = windowOf(message.modelUsage);
    if (tokens !== null && window !== null) break;
  }
  return tokens === null ? null : { tokens, window, model };
}

function tokensOf(usage: unknown): number | null {
  if (typeof usage !== 'object' || usage === null) return null;
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } =
    usage as Numbers;
  const parts = [input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens];
  const sum = parts.reduce<number>((total, part) => total + (typeof part === 'number' ? part : 0), 0);
  return sum > 0 ? sum : null;
}

/** Of several models the one that did most of the work. */
function windowOf(modelUsage: unknown): number | null {
  if (typeof modelUsage !== 'object' || modelUsage === null) return null;
  const models = Object.values(modelUsage).filter(
    (model): model is Numbers => typeof model === 'object' && model !== null,
  );
  const [most] = models.sort((a, b) => Number(b.outputTokens ?? 0) - Number(a.outputTokens ?? 0));
  return typeof most?.contextWindow === 'number' && most.contextWindow > 0 ? most.contextWindow : null;
}
