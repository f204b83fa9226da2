import { z } from 'zod';
import type { TurnRow } from './store.ts';
import { contentBlock, delivery, tokenUsage, turnError, turnResult, turnState } from './turn.ts';

/** A turn as the API shows it. */
export const turnView = z
  .object({
    turn_id: z.string(),
    number: z.number().int(),
    state: turnState,
    delivery,
    prompt: z.string(),
    content: z.array(contentBlock).nullable().describe('The whole prompt, where it is more than text.'),
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

export function toTurnView(turn: TurnRow): TurnView {
  const { started_at, ended_at } = turn;
  return {
    turn_id: turn.id,
    number: turn.number,
    state: turn.state,
    delivery: turn.delivery,
    prompt: turn.prompt,
    content: turn.content,
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
