import { randomBytes } from 'node:crypto';
import type { InputUsage } from './prompt-cache.ts';
import type { Block } from './rules.ts';
import { signThought } from './thought-signature.ts';
import { tokensOf } from './tokens.ts';

export type MessageBlock =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> };

export type Message = {
  id: string;
  type: 'message';
  role: 'assistant';
  model: string;
  content: MessageBlock[];
  stop_reason: 'end_turn' | 'tool_use' | 'max_tokens' | 'refusal';
  stop_sequence: null;
  usage: InputUsage & { output_tokens: number; service_tier: 'standard' };
};

export type MessageOptions = { model: string; maxTokens: number; input: InputUsage; isRefusal?: boolean };

/** The answer as the Messages API gives it, cut off at `maxTokens`. */
export function buildMessage(blocks: Block[], options: MessageOptions): Message {
  const { model, maxTokens, input, isRefusal = false } = options;
  const content: MessageBlock[] = [];
  let left = maxTokens;
  let cut = false;
  for (const block of blocks) {
    const tokens = tokensOf(writtenPart(block));
    cut = tokens.length > left;
    if (!cut || block.type === 'text') content.push(finishBlock(block, tokens.slice(0, left)));
    left -= Math.min(tokens.length, left);
    if (cut) break;
  }
  const callsTool = content.some((block) => block.type === 'tool_use');
  return {
    id: newId('msg'),
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: isRefusal ? 'refusal' : cut ? 'max_tokens' : callsTool ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { ...input, output_tokens: maxTokens - left, service_tier: 'standard' },
  };
}

/** What the model writes token by token. */
export function writtenPart(block: Block | MessageBlock): string {
  if (block.type === 'text') return block.text;
  return block.type === 'thinking' ? block.thinking : JSON.stringify(block.input);
}

export function newId(prefix: string): string {
  return `${prefix}_demo${randomBytes(12).toString('hex')}`;
}

function finishBlock(block: Block, tokens: string[]): MessageBlock {
  if (block.type === 'text') return { type: 'text', text: tokens.join('') };
  if (block.type === 'thinking') return { ...block, signature: signThought(block.thinking) };
  return { type: 'tool_use', id: newId('toolu'), name: block.name, input: block.input };
}
