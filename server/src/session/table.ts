import type { ColumnType, Generated, JSONColumnType, RawBuilder } from 'kysely';
import type { Activity } from './event/activity.ts';
import type { Grant, SessionOptions, SessionStatus, WaitingFor } from './session.ts';

export type SessionTable = {
  id: string;
  tenant_id: string;
  status: SessionStatus;
  waiting_for: WaitingFor | null;
  title: string | null;
  /** The beginning of the first one, on one line; null where that has no text. */
  prompt: string | null;
  options: JSONColumnType<SessionOptions>;
  /** What the options say of these, for lists. */
  model: string | null;
  permission_mode: string | null;
  /** What its agent was in last, as that said: not always what was asked for. */
  effective_permission_mode: string | null;
  /** That answered last. */
  last_model: string | null;
  /** What the agent began last; of a session that does not run it says nothing. */
  activity: ColumnType<Activity | null, never, null>;
  /** Where the agent works; null means the session's own workspace under the data directory. */
  cwd: string | null;
  metadata: JSONColumnType<Record<string, string>>;
  is_archived: Generated<boolean>;
  /** Who started it; null is the local user. */
  api_key_id: string | null;
  /** What its agent ran in last, by the driver's name; null before the first start. */
  isolation: string | null;
  /** What was allowed for the whole session. */
  grants: ColumnType<Grant[], string | undefined, string>;
  /** What all turns together may cost; null is no limit. */
  max_budget_usd: number | null;
  /** The agent's own id of the conversation; equals `id` unless the session was forked. */
  claude_session_id: string | null;
  parent_id: string | null;
  /** The parent's `seq` up to which this session shares its history. */
  forked_at: number | null;
  /** Raised by every claim; whoever holds an older one can write nothing. */
  fence: Generated<number>;
  worker_id: string | null;
  job_id: string | null;
  /** Stays that failed as nobody expected, since a turn ended last. */
  failed_stays: Generated<number>;
  last_seq: Generated<number>;
  /** The last batch of events appended by a worker: makes a repeated append harmless. */
  last_batch: string | null;
  turn_count: Generated<number>;
  message_count: Generated<number>;
  /** What its agent told of tasks is in `tasks`; of an older session it is only in its log. */
  are_tasks_noted: ColumnType<boolean, boolean | RawBuilder<boolean> | undefined, boolean>;
  cost_usd: Generated<number>;
  usage: ColumnType<Record<string, number>, string, string>;
  error: string | null;
  created_at: Generated<Date>;
  /** Start and end of the latest turn. */
  started_at: Date | null;
  ended_at: Date | null;
  updated_at: Generated<Date>;
};

/** Sessions that are gone, so that a node which was away can remove their directories. */
export type DeletedSessionTable = { id: string; deleted_at: Generated<Date> };
