import { z } from 'zod';
import { approvalPhase, approvalView } from '../approval/approval.ts';
import { sessionStatus, waitingFor } from '../session/session.ts';
import { turnError, turnState } from '../turn/turn.ts';

/**
 * What happened in a session, in our own small union; the agent's messages are kept verbatim inside `sdk`. Readers
 * ignore kinds that they don't know.
 */
export const eventBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('prompt'), data: z.object({ turn: z.number(), text: z.string() }) }),
  z.object({ kind: z.literal('sdk'), data: z.looseObject({ type: z.string() }) }),
  z.object({
    kind: z.literal('turn'),
    data: z.object({
      turn: z.number(),
      phase: z.enum(['queued', 'started', 'ended']),
      state: turnState,
      error: turnError.nullable(),
      cost_usd: z.number().nullable(),
    }),
  }),
  z.object({
    kind: z.literal('approval'),
    data: z.object({ phase: approvalPhase, approval: approvalView }),
  }),
  z.object({
    kind: z.literal('session'),
    data: z.object({ status: sessionStatus, waiting_for: waitingFor.nullable() }),
  }),
]);
export type EventBody = z.infer<typeof eventBody>;
export type EventKind = EventBody['kind'];

/** An event that has not been stored yet. */
export type EventDraft = EventBody & { turnId: string | null; at: Date };

/** An event as stored: `seq` is dense and ordered within its session. */
export type StoredEvent = EventBody & { sessionId: string; seq: number; turnId: string | null; at: Date };

const messageTypes = new Set(['system', 'assistant', 'user', 'result']);

/** The events that the classic API shows as messages, and counts. */
export function isMessage(event: EventBody): event is EventBody & { kind: 'sdk' } {
  return event.kind === 'sdk' && messageTypes.has(event.data.type);
}
