import type { ColumnType, Generated } from 'kysely';

export type ApiKeyTable = {
  id: string;
  tenant_id: string;
  name: string;
  scopes: string[];
  /** HMAC-SHA-256 of the whole key under the server's pepper. The key itself is stored nowhere. */
  hash: Buffer;
  /** Of the secret before the last rotation, and until when it still opens. */
  previous_hash: Buffer | null;
  previous_expires_at: Date | null;
  requests_per_second: number | null;
  max_active_sessions: number | null;
  max_queued_turns: number | null;
  created_at: Generated<Date>;
  created_by: ColumnType<string, string, never>;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
};

/** One row: tells a node that it has another pepper than the keys were made with. */
export type KeyPepperTable = { is_only: Generated<boolean>; fingerprint: Buffer };
