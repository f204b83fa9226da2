import type { ColumnType, Generated } from 'kysely';
import type { AuditDetails, AuditOutcome } from './audit.ts';

/** Append-only: a trigger refuses everything else but `prune_audit_log`, which deletes what is old. */
export type AuditLogTable = {
  id: string;
  /** Null where no key was shown. */
  tenant_id: string | null;
  at: Generated<Date>;
  /** Id of the API key; null is the local user, or nobody known. */
  actor_id: string | null;
  actor: string;
  ip: string;
  request_id: string;
  action: string;
  object_type: string | null;
  object_id: string | null;
  outcome: AuditOutcome;
  status: number;
  details: ColumnType<AuditDetails, string, never>;
};
