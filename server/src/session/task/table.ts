import type { TaskEnd } from './news.ts';

/** A task, by the events that began and ended it; one whose end nobody told has no status. */
export type TaskTable = {
  session_id: string;
  task_id: string;
  tenant_id: string;
  seq: number;
  turn_id: string | null;
  description: string;
  is_background: boolean;
  subagent_type: string | null;
  tool_use_id: string | null;
  started_at: Date;
  status: TaskEnd['status'] | null;
  summary: string | null;
  ended_seq: number | null;
  ended_at: Date | null;
};
