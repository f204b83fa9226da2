import type { ColumnType, Generated } from 'kysely';

/** The answer that a creating request got, kept for when its client asks again. */
export type IdempotencyKeyTable = {
  tenant_id: string;
  route: string;
  key: string;
  request_hash: string;
  answer: ColumnType<unknown, string, never>;
  created_at: Generated<Date>;
};
