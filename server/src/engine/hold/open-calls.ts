import { z } from 'zod';

const block = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  tool_use_id: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional().catch({}),
});
const message = z.looseObject({
  type: z.string(),
  parent_tool_use_id: z.string().nullish(),
  message: z.looseObject({ content: z.union([z.string(), z.array(z.unknown())]).optional() }).optional(),
});

/** Tool calls of the main agent that have no result yet: by id, with the input that the model wrote. */
export class OpenCalls extends Map<string, Record<string, unknown>> {
  /** Takes in a message of the agent, or an entry of its transcript: both have the same shape. */
  observe(said: unknown): boolean {
    const { data } = message.safeParse(said);
    const content = data?.message?.content;
    if (data === undefined || !Array.isArray(content) || (data.parent_tool_use_id ?? null) !== null) {
      return false;
    }
    const before = this.size;
    for (const part of content) {
      const found = block.safeParse(part).data;
      if (data.type === 'assistant' && found?.type === 'tool_use' && found.id !== undefined) {
        this.set(found.id, found.input ?? {});
      } else if (data.type === 'user' && found?.type === 'tool_result' && found.tool_use_id !== undefined) {
        this.delete(found.tool_use_id);
      }
    }
    return this.size !== before;
  }
}
