import { z } from 'zod';
import type { ShownTurn } from './shown-turn.ts';
import type { TurnRow } from './store.ts';
import { contentBlock, delivery, tokenUsage, turnError, turnResult, turnState } from './turn.ts';

const [textBlock, imageBlock] = contentBlock.options;

const shownBlock = z.discriminatedUnion('type', [
  textBlock,
  z.object({
    type: z.literal('image'),
    media_type: imageBlock.shape.source.shape.media_type,
    size: z.number().int().describe('In bytes.'),
    url: z.string().describe('Where it is, on this server.'),
  }),
]);

/** A turn as the API shows it. */
export const turnView = z
  .object({
    turn_id: z.string(),
    number: z.number().int(),
    state: turnState,
    delivery,
    prompt: z.string(),
    content: z
      .array(shownBlock)
      .nullable()
      .describe('The blocks of the prompt, where it is more than text; without the data of images.'),
    steered_into: z.string().nullable().describe('The running turn that this message became part of.'),
    result: turnResult.nullable(),
    error: turnError.nullable(),
    cost_usd: z.number(),
    usage: tokenUsage.partial(),
    duration_ms: z.number().int().nullable().describe('From start to end.'),
    queued_at: z.iso.datetime(),
    sent_at: z.iso.datetime().nullable().describe('When a message that steers was handed to the agent.'),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Turn' });
export type TurnView = z.infer<typeof turnView>;

/** One turn, with the images of its prompt. */
export const wholeTurnView = turnView
  .extend({
    content: z
      .array(contentBlock)
      .nullable()
      .describe('The blocks of the prompt, where it is more than text.'),
  })
  .meta({ id: 'WholeTurn' });

export function toTurnView(turn: ShownTurn): TurnView {
  return { ...toFields(turn), content: turn.content };
}

export function toWholeTurnView(turn: TurnRow): z.infer<typeof wholeTurnView> {
  return { ...toFields(turn), content: turn.content };
}

function toFields(turn: Omit<ShownTurn, 'content'>): Omit<TurnView, 'content'> {
  const { started_at, ended_at } = turn;
  return {
    turn_id: turn.id,
    number: turn.number,
    state: turn.state,
    delivery: turn.delivery,
    prompt: turn.prompt,
    steered_into: turn.steered_into,
    result: turn.result,
    error: turn.error,
    cost_usd: turn.cost_usd,
    usage: turn.usage,
    duration_ms: started_at === null || ended_at === null ? null : ended_at.getTime() - started_at.getTime(),
    queued_at: turn.queued_at.toISOString(),
    sent_at: turn.sent_at?.toISOString() ?? null,
    started_at: started_at?.toISOString() ?? null,
    ended_at: ended_at?.toISOString() ?? null,
  };
}
