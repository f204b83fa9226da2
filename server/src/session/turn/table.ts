import type { ColumnType, Generated, JSONColumnType, RawBuilder } from 'kysely';
import type { SessionOptions } from '../session.ts';
import type { ContentBlock, CutReason, Delivery, TurnError, TurnResult, TurnState, WentOn } from './turn.ts';

export type TurnTable = {
  id: string;
  session_id: string;
  tenant_id: string;
  /** 1, 2, 3 … within the session. */
  number: number;
  state: TurnState;
  /** Who asked for it; null is the local user. */
  api_key_id: string | null;
  /** The text of the prompt. */
  prompt: string;
  /** The whole prompt where it is more than text. */
  content: ColumnType<ContentBlock[] | null, string | null, string | null>;
  delivery: ColumnType<Delivery, Delivery | undefined, Delivery>;
  /** Among the queued turns the most urgent is next, then the one whose place comes first. */
  urgency: Generated<number>;
  place: ColumnType<number, RawBuilder<number> | undefined, RawBuilder<number>>;
  /** What the agent ran with when the turn began: a turn that goes on later has the same. */
  options: ColumnType<SessionOptions | null, never, RawBuilder<unknown>>;
  /** When a message that steers was given to the agent. */
  sent_at: Date | null;
  /** It was cancelled with all that waited: messages that its agent never read are, too. */
  discards_unread: Generated<boolean>;
  /** How often it went on in another process without getting further, and with how much of a conversation last. */
  continuations: Generated<number>;
  continued_after: Generated<number>;
  /** Why it has no process though it runs; null while it has one, or waits for an answer. */
  left_for: CutReason | null;
  /** It was left at a request to the model: nothing was under way. */
  left_whole: Generated<boolean>;
  /** Each call of it is noted before its tool may run (`let_through_calls`). */
  notes_calls: Generated<boolean>;
  /** How it went on last. */
  went_on: ColumnType<WentOn | null, never, string | null>;
  /** When the agent began a message that steers. */
  read_at: Date | null;
  /** Under which id the agent gets it, where that is another one. */
  message_id: string | null;
  /** The running turn that the message was folded into. */
  steered_into: string | null;
  result: ColumnType<TurnResult | null, string | null, string | null>;
  error: JSONColumnType<TurnError> | ColumnType<null, null, string | null> | null;
  /** Whether the cost is known: set once, when the agent's result or end was seen. */
  is_accounted: Generated<boolean>;
  cost_usd: Generated<number>;
  usage: ColumnType<Record<string, number>, string, string>;
  queued_at: Generated<Date>;
  started_at: Date | null;
  ended_at: Date | null;
};
