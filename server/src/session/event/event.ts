import { z } from 'zod';
import { approvalPhase, approvalView } from '../approval/approval.ts';
import { sessionStatus, waitingFor } from '../session.ts';
import { cutReason, delivery, tokenUsage, turnError, turnPhase, turnState } from '../turn/turn.ts';

/**
 * What happened in a session, in our own small union; the agent's messages are kept verbatim inside `sdk`. Readers
 * ignore kinds that they don't know.
 */
export const eventBody = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('prompt'),
    data: z.object({ turn: z.number(), text: z.string(), delivery, images: z.number() }),
  }),
  z.object({ kind: z.literal('sdk'), data: z.looseObject({ type: z.string() }) }),
  z.object({
    kind: z.literal('turn'),
    data: z.object({
      turn: z.number(),
      phase: turnPhase,
      state: turnState,
      error: turnError.nullable(),
      cost_usd: z.number().nullable(),
      steered_into: z.string().nullable(),
      /** How it goes on (`continued`): at the model request that was cut off, or with a note on calls that may have run. */
      continued_by: z.enum(['request', 'note']).optional(),
      reason: cutReason.optional(),
      /** Messages of the log, by their `uuid`, that the agent knows nothing of any more: it is asked for them again. */
      lost: z.array(z.string()).optional(),
      /** What it says from now on (`edited`), or what the agent is told (`continued`). */
      text: z.string().optional(),
      images: z.number().optional(),
      /** How it is delivered, and which one of the same delivery it stands before: null is behind them all (`moved`). */
      delivery: delivery.optional(),
      before: z.string().nullable().optional(),
      /** What it took (`ended`); a turn that never began took no time. */
      usage: tokenUsage.partial().optional(),
      duration_ms: z.number().nullable().optional(),
    }),
  }),
  z.object({
    kind: z.literal('approval'),
    data: z.object({ phase: approvalPhase, approval: approvalView }),
  }),
  z.object({
    kind: z.literal('session'),
    data: z.object({
      status: sessionStatus,
      waiting_for: waitingFor.nullable(),
      /** Where a fork's history comes from: in the first event of its own. */
      forked_from: z.object({ session_id: z.string(), seq: z.number() }).optional(),
      /** What was allowed for the session and no longer is. */
      removed_grant: z.string().optional(),
      /** What its user should know of where the agent works. */
      warning: z.string().optional(),
    }),
  }),
]);
export type EventBody = z.infer<typeof eventBody>;
export type EventKind = EventBody['kind'];

/** An event that has not been stored yet. */
export type EventDraft = EventBody & { turnId: string | null; at: Date };

/** An event as stored: `seq` is dense and ordered within its session. */
export type StoredEvent = EventBody & { sessionId: string; seq: number; turnId: string | null; at: Date };

export const eventKinds = eventBody.options.map((option) => option.shape.kind.value);

/** An event as clients get it: in JSON pages, and as the data of the stream. */
export const eventView = z
  .object({
    seq: z.number().int().describe('Dense and ordered within the session: 1, 2, 3 …'),
    kind: z.enum(eventKinds).describe('More may come: ignore those that you do not know.'),
    turn_id: z.string().nullable(),
    at: z.iso.datetime(),
    data: z.record(z.string(), z.unknown()).describe('By kind; what the agent said (`sdk`) is verbatim.'),
  })
  .meta({ id: 'Event' });
export type EventView = EventBody & { seq: number; turn_id: string | null; at: string };

export function toEventView({ seq, kind, turnId, at, data }: StoredEvent): EventView {
  return { seq, kind, turn_id: turnId, at: at.toISOString(), data } as EventView;
}

export const messageTypes = new Set(['system', 'assistant', 'user', 'result']);

/** The events that the classic API shows as messages, and counts. */
export function isMessage(event: EventBody): event is EventBody & { kind: 'sdk' } {
  return event.kind === 'sdk' && messageTypes.has(event.data.type);
}

/** A stored event on its way out. `json` is its `eventView`, on one line. */
export type LogItem = { seq: number; kind: EventKind; json: string };

/** What the log of a session holds: it may begin late, and it may be empty. */
export type LogRange = { firstSeq: number | null; lastSeq: number };
