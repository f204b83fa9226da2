import type { CallOptions, Http } from './http.ts';
import { followPages } from './pages.ts';
import type { AuditEntry, AuditOutcome } from './types.ts';

export type AuditFilter = {
  /** ISO times: from the first, before the second. */
  from?: string | undefined;
  to?: string | undefined;
  /** Id of an API key. */
  actor?: string | undefined;
  action?: string | undefined;
  /** Id of what it was done to. */
  object?: string | undefined;
  outcome?: AuditOutcome | undefined;
  /** For operators, who otherwise see all tenants. */
  tenant?: string | undefined;
};

/** Newest first. Reads further pages as the loop gets to them. */
export function listAudit(
  http: Http,
  { pageSize: limit, ...filter }: AuditFilter & { pageSize?: number },
  options: CallOptions,
): AsyncGenerator<AuditEntry, void> {
  return followPages<AuditEntry, string>(async (cursor) => {
    const query = { ...filter, limit, cursor };
    const page = await http.json<{ entries: AuditEntry[]; next: string | null }>('GET', '/audit', {
      query,
      ...options,
    });
    return { items: page.entries, next: page.next };
  });
}
