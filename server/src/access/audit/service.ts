import { randomUUID, randomUUIDv7 } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { retryWhileUnavailable } from '../../ground/db/retry.ts';
import { DEFAULT_TENANT } from '../../ground/identity.ts';
import { toPage } from '../../ground/util/page.ts';
import type { AuditAction, AuditEntry } from './audit.ts';
import {
  type AuditFilter,
  type AuditRow,
  insertAuditEntry,
  listAuditEntries,
  type NewAuditEntry,
} from './store.ts';

export type { AuditFilter };
export type AuditRecord = Omit<NewAuditEntry, 'id'>;

const EXPORT_PAGE = 500;

/** As long as whoever asked is kept waiting while the database is away: what they asked for is done already. */
const PATIENCE_MS = 5_000;

/** Throws where the entry could not be stored in some seconds. */
export async function recordAudit(db: Kysely<Database>, record: AuditRecord): Promise<void> {
  const entry = { id: randomUUIDv7(), ...record };
  const over = AbortSignal.timeout(PATIENCE_MS);
  await retryWhileUnavailable(async () => await insertAuditEntry(db, entry), over);
}

/** What was done without a request: by a command on the machine, or by the server itself. */
export async function recordCommand(
  db: Kysely<Database>,
  done: { action: AuditAction; actor: string; key: { id: string; tenant_id: string } | null },
): Promise<void> {
  const { action, actor, key } = done;
  await recordAudit(db, {
    tenant_id: key?.tenant_id ?? DEFAULT_TENANT,
    actor_id: null,
    actor,
    ip: 'local',
    request_id: randomUUID(),
    action,
    object_type: key && 'api_key',
    object_id: key?.id ?? null,
    outcome: 'done',
    status: 200,
    details: { method: 'COMMAND', route: null, path: '', fields: [], values: {} },
  });
}

/** Newest first. `next` is the cursor of the page after this one, null on the last. */
export async function listAuditPage(
  db: Kysely<Database>,
  filter: AuditFilter,
): Promise<{ entries: AuditEntry[]; next: string | null }> {
  const { limit } = filter;
  const rows = await listAuditEntries(db, { ...filter, limit: limit + 1 });
  const { items: entries, next } = toPage(rows, { limit, show: toEntry, cursorOf: ({ id }) => id });
  return { entries, next };
}

/** All that matches, as JSON lines; a page of it is in memory at a time. */
export async function* exportAudit(
  db: Kysely<Database>,
  filter: Omit<AuditFilter, 'limit'>,
): AsyncGenerator<string, void> {
  let { before } = filter;
  for (;;) {
    const rows = await listAuditEntries(db, { ...filter, before, limit: EXPORT_PAGE });
    if (rows.length > 0) yield `${rows.map((row) => JSON.stringify(toEntry(row))).join('\n')}\n`;
    if (rows.length < EXPORT_PAGE) return;
    before = rows.at(-1)?.id;
  }
}

function toEntry({ tenant_id, at, ...row }: AuditRow): AuditEntry {
  return { ...row, at: at.toISOString(), tenant: tenant_id };
}
