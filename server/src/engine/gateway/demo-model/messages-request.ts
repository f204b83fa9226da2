import { z } from 'zod';

const block = z.looseObject({ type: z.string() });
const content = z.union([z.string(), z.array(block)]);

/** As much of a Messages API request as the demo model reads. The rest passes unseen. */
export const messagesRequest = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().positive(),
  // NOTE: the `claude` program also sends messages of the role `system`, with the working directory in them.
  messages: z
    .array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content }))
    .min(1, 'at least one message is required')
    .max(100_000, 'at most 100000 messages are allowed'),
  system: content.optional(),
  tools: z.array(z.looseObject({ name: z.string(), type: z.string().nullish() })).optional(),
  tool_choice: z.looseObject({ type: z.string() }).nullish(),
  thinking: z
    .looseObject({ type: z.enum(['adaptive', 'enabled', 'disabled']), budget_tokens: z.int().optional() })
    .nullish(),
  stream: z.boolean().optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
  output_config: z.looseObject({ format: z.looseObject({ schema: z.unknown() }).nullish() }).nullish(),
});
export const countTokensRequest = messagesRequest.omit({ max_tokens: true });

export type MessagesRequest = z.infer<typeof messagesRequest>;
export type CountTokensRequest = z.infer<typeof countTokensRequest>;
export type ContentBlock = z.infer<typeof block>;
export type Role = MessagesRequest['messages'][number]['role'];

export function blocksOf(value: string | ContentBlock[]): ContentBlock[] {
  return typeof value === 'string' ? [{ type: 'text', text: value }] : value;
}

/** The text in anything that may be content. */
export function plainText(value: unknown): string {
  const parsed = content.safeParse(value);
  if (!parsed.success) return '';
  return blocksOf(parsed.data)
    .flatMap((item) => (typeof item.text === 'string' ? [item.text] : []))
    .join('\n');
}
