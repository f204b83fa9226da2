import type { Generated } from 'kysely';

export type QueueRoundTable = {
  is_only: Generated<true>;
  /** The latest one that anybody was taken from (rounds.ts). */
  round: number;
};

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
