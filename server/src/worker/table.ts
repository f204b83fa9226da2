import type { Generated } from 'kysely';

export type WorkerTable = {
  id: string;
  /** The data directory's id: what ran under the same one before is dead, since the directory is locked. */
  node_id: string;
  hostname: string;
  pid: number;
  max_sessions: number;
  started_at: Generated<Date>;
  heartbeat_at: Generated<Date>;
};

/** Calls of tools that the agent of a running turn was let make: they may have run. */
export type LetThroughCallTable = {
  session_id: string;
  tool_use_id: string;
  tenant_id: string;
  turn_id: string;
  tool_name: string;
  /** The beginning of it, as JSON. */
  input: string;
  /** The message that told the agent that nobody knows what came of it. */
  told_in: string | null;
};
