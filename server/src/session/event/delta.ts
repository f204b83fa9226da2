import { z } from 'zod';

export const deltaBlock = z.enum(['text', 'thinking', 'tool_input']);

/** Of a tool call that is being written. */
export const deltaTool = z.object({ id: z.string(), name: z.string() });

/** A piece of a message that the agent is writing. On the bus only; what is lost of it is not sent again. */
export const deltaSignal = z.object({
  type: z.literal('delta'),
  sessionId: z.string(),
  turnId: z.string().nullable(),
  messageId: z.string(),
  parentToolUseId: z.string().nullable(),
  /** Of the content block within the message. */
  index: z.number(),
  block: deltaBlock,
  /** Where `text` stands in its block. Whoever has less before it missed a piece. */
  offset: z.number(),
  text: z.string(),
  tool: deltaTool.nullable(),
});
export type DeltaSignal = z.infer<typeof deltaSignal>;

/** The `data` of a stream's `delta`. */
export const deltaView = z
  .object({
    message_id: z.string().describe('`message.id` of the `sdk` event that will hold the whole message.'),
    parent_tool_use_id: z.string().nullable().describe('Set for what a subagent writes.'),
    index: z.number().int().describe('Of the content block within the message.'),
    block: deltaBlock,
    offset: z
      .number()
      .int()
      .describe('Where `text` begins in its block, in UTF-16 units. More than you have: a piece is missing.'),
    text: z.string().describe('Of a tool call, a piece of its input as JSON text.'),
    tool: deltaTool.nullable(),
  })
  .meta({ id: 'Delta' });

export function toDeltaView(signal: DeltaSignal): z.infer<typeof deltaView> {
  return {
    message_id: signal.messageId,
    parent_tool_use_id: signal.parentToolUseId,
    index: signal.index,
    block: signal.block,
    offset: signal.offset,
    text: signal.text,
    tool: signal.tool,
  };
}
