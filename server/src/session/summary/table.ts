import type { ColumnType, Generated } from 'kysely';

/** Whoever looks at a tenant's sessions: an API key, or the local user. */
export type SessionReaderTable = {
  tenant_id: string;
  reader: string;
  /** What ended before it is no news to them: when they were first seen, or said that they had read everything. */
  read_before: Generated<Date>;
  changed_at: Generated<Date>;
};

/** What a reader has seen of a session, and thinks of it. */
export type SessionMarkTable = {
  tenant_id: string;
  session_id: string;
  reader: string;
  read_seq: Generated<number>;
  /** When they marked it as unread; null once they have read it. */
  unread_at: ColumnType<Date | null, never, Date | null>;
  is_pinned: Generated<boolean>;
  changed_at: Generated<Date>;
};
