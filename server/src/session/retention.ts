import { forgetOldAnswers } from '../idempotency/store.ts';
import type { Logger } from '../log.ts';
import { cleanUpSessions, type SessionServices } from './service.ts';
import { forgetDeleted } from './store.ts';

const DELETED_MEMORY_DAYS = 30;

/** Deletes what has outlived its use. `retentionMs` null keeps ended sessions for ever. */
export async function runRetention(
  services: Pick<SessionServices, 'db' | 'bus' | 'queue'>,
  retentionMs: number | null,
  logger: Logger,
): Promise<void> {
  await forgetDeleted(services.db, DELETED_MEMORY_DAYS);
  await forgetOldAnswers(services.db);
  if (retentionMs === null) return;
  const removed = await cleanUpSessions(services, { tenantId: null, olderThanMs: retentionMs });
  if (removed > 0) logger.info({ sessions: removed }, 'deleted sessions past their retention time');
}
