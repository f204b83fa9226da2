import type { Config } from '../../ground/config/config.ts';
import { forgetOldAnswers, KEPT_HOURS } from '../../ground/idempotency/store.ts';
import type { Logger } from '../../ground/log.ts';
import { JOB_KEPT_HOURS } from '../../ground/queue/queue.ts';
import { cleanUpSessions, type SessionServices } from '../../session/service.ts';
import { forgetDeleted } from '../../session/store.ts';
import { beginLedger, forgetRequests } from '../../session/usage/store.ts';
import { forgetEntries } from '../audit/store.ts';

/** How long things are kept, in milliseconds; null is for ever. */
export type Retention = Pick<Config, 'retention' | 'auditRetention' | 'ledgerRetention'>;

type Services = Pick<SessionServices, 'db' | 'bus' | 'queue' | 'closing'>;

const DELETED_MEMORY_DAYS = 30;
const ROWS_AT_ONCE = 2_000;
const DAY_MS = 86_400_000;

/**
 * Deletes what is past its time, in steps that are short for the database. What it does not get to, since the server
 * closes or the database is away, the next run deletes; any number of nodes may be at it at once.
 */
export async function runRetention(services: Services, kept: Retention, logger: Logger): Promise<void> {
  const { db, closing } = services;
  const work: Record<string, () => Promise<number>> = {
    'ids of deleted sessions': async () =>
      await inSteps(closing, async (limit) => await forgetDeleted(db, DELETED_MEMORY_DAYS, limit)),
    'answers to an Idempotency-Key': async () =>
      await inSteps(closing, async (limit) => await forgetOldAnswers(db, limit)),
    'entries of the audit log': async () => {
      const { auditRetention: age } = kept;
      return age === null ? 0 : await inSteps(closing, async (limit) => await forgetEntries(db, age, limit));
    },
    'model requests': async () => {
      if (kept.ledgerRetention === null) return 0;
      await beginLedger(db, kept.ledgerRetention);
      return await inSteps(closing, async (limit) => await forgetRequests(db, limit));
    },
    sessions: async () => {
      if (kept.retention === null) return 0;
      return await cleanUpSessions(services, { tenantId: null, olderThanMs: kept.retention });
    },
  };
  for (const [what, forget] of Object.entries(work)) {
    if (closing.aborted) return;
    try {
      const deleted = await forget();
      if (deleted > 0) logger.info({ what, deleted }, 'deleted what is past its retention time');
    } catch (error) {
      // One kind that cannot be deleted must not keep the others.
      if (!closing.aborted)
        logger.error({ err: error, what }, 'could not delete what is past its retention time');
    }
  }
}

async function inSteps(closing: AbortSignal, step: (limit: number) => Promise<number>): Promise<number> {
  let total = 0;
  while (!closing.aborted) {
    const count = await step(ROWS_AT_ONCE);
    total += count;
    if (count < ROWS_AT_ONCE) break;
  }
  return total;
}

/** For the log, at the start. */
export function describeKept({ retention, auditRetention, ledgerRetention }: Retention): string {
  return [
    `keeps ended sessions with events and transcripts ${time(retention)} (retention)`,
    `entries of the audit log ${time(auditRetention)} (auditRetention)`,
    `single model requests ${time(ledgerRetention)} (ledgerRetention) and their daily sums for ever`,
    `answers to an Idempotency-Key for ${KEPT_HOURS}h`,
    `jobs that are done for ${JOB_KEPT_HOURS}h`,
  ].join(', ');
}

function time(ms: number | null): string {
  if (ms === null) return 'for ever';
  return ms % DAY_MS === 0 ? `for ${ms / DAY_MS}d` : `for ${ms / 1000}s`;
}
