import type { SessionSummary } from '@greenroom/client';

/* One act on many sessions: which of them it touches, and doing it, a few at a time. */

export const bulkActs = ['archive', 'unarchive', 'read', 'cancel', 'delete'] as const;
export type BulkAct = (typeof bulkActs)[number];

/** Whether it would do anything to such a session. What runs cannot be deleted, only what runs can be cancelled. */
export function touches(act: BulkAct, summary: SessionSummary): boolean {
  const isActive = summary.status === 'pending' || summary.status === 'running';
  switch (act) {
    case 'archive':
      return !summary.archived;
    case 'unarchive':
      return summary.archived;
    case 'read':
      return summary.state === 'unread';
    case 'cancel':
      return isActive;
    case 'delete':
      return !isActive;
    default:
      return act satisfies never;
  }
}

export type BulkFailure = { id: string; error: unknown };
export type BulkProgress = { total: number; done: number; failed: readonly BulkFailure[] };

export type BulkOptions = {
  /** Requests at once: browsers have six connections for all of the page. */
  atOnce?: number;
  /** Begins with no further one; those that are under way end. */
  signal?: AbortSignal;
  onProgress?: (progress: BulkProgress) => void;
};

/** Each once, whatever becomes of the others. Never rejects: what failed is in the result, with the reason. */
export async function runBulk(
  ids: readonly string[],
  act: (id: string) => Promise<unknown>,
  { atOnce = 3, signal, onProgress }: BulkOptions = {},
): Promise<BulkProgress> {
  const waiting = ids.values();
  let progress: BulkProgress = { total: ids.length, done: 0, failed: [] };
  const note = (failure?: BulkFailure): void => {
    const { total, done, failed } = progress;
    progress =
      failure === undefined
        ? { total, done: done + 1, failed }
        : { total, done, failed: [...failed, failure] };
    onProgress?.(progress);
  };
  const work = async (): Promise<void> => {
    for (const id of waiting) {
      if (signal?.aborted) return;
      await act(id).then(
        () => note(),
        (error: unknown) => note({ id, error }),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, ids.length) }, work));
  return progress;
}
