import type { ColumnType, Generated } from 'kysely';

/**
 * The agent's own transcript, as the SDK mirrors it: what a resume is made from. Not the event log. Written and read by
 * engine/agent/transcript-store.ts, completed by repair.ts, copied by workspace/fork/store.ts.
 */
export type TranscriptTable = {
  id: Generated<number>;
  session_id: string;
  tenant_id: string;
  /** '' is the main conversation, `subagents/agent-…` a subagent's. */
  subpath: string;
  /** The entry's own type: `user`, `assistant`, `attachment` … */
  type: string;
  /** The entry's own uuid where it has one: a repeated append is ignored. */
  entry_uuid: string | null;
  entry: ColumnType<unknown, string, never>;
};
