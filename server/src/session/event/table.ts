import type { ColumnType } from 'kysely';
import type { EventKind } from './event.ts';

export type EventTable = {
  session_id: string;
  /** Dense and ordered within the session: 1, 2, 3 … */
  seq: number;
  tenant_id: string;
  turn_id: string | null;
  kind: EventKind;
  /** `json`, not `jsonb`: the text passes through as it was written. */
  data: ColumnType<unknown, string, never>;
  at: Date;
};
