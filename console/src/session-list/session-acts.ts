import { GreenroomError, type SessionSummary } from '@greenroom/client';
import { client } from '../api/client.ts';
import { reasonOf } from '../api/describe-error.ts';
import { queryClient } from '../api/query-client.ts';
import { say } from '../i18n/locale.ts';
import { summaries } from '../live/summaries.ts';
import { toasts } from '../ui/toast.tsx';
import type { BulkAct } from './bulk.ts';

/* What can be done with a session from the list. What cannot go wrong for long is shown at once, and taken back if it did. */

export async function setPinned({ session_id: id }: SessionSummary, pinned: boolean): Promise<boolean> {
  return await show(id, { pinned }, async () => await client.sessions.mark(id, { pinned }));
}

export async function setArchived({ session_id: id }: SessionSummary, archived: boolean): Promise<boolean> {
  return await show(id, { archived }, async () => await client.sessions.update(id, { archived }));
}

export async function setUnread(summary: SessionSummary, unread: boolean): Promise<boolean> {
  const { session_id: id, last_seq } = summary;
  // What runs has no end yet that could be read.
  const isOver = summary.state === 'idle' || summary.state === 'unread';
  const change: Partial<SessionSummary> = {
    ...(isOver && { state: unread ? 'unread' : 'idle' }),
    read_seq: unread ? 0 : last_seq,
  };
  return await show(id, change, async () => {
    await client.sessions.mark(id, unread ? { unread } : { read_seq: last_seq });
  });
}

/** Of a rename that fails the dialog tells. */
export async function rename({ session_id: id }: SessionSummary, title: string | null): Promise<void> {
  const session = await client.sessions.update(id, { title });
  patch(id, { title: session.title });
}

export async function readAll(): Promise<void> {
  try {
    await client.sessions.readAll();
    for (const summary of [...summaries.values()]) {
      if (summary.state === 'unread') {
        summaries.set(summary.session_id, { ...summary, state: 'idle', read_seq: summary.last_seq });
      }
    }
  } catch (error) {
    sayFailure(error);
  }
  await Promise.all(
    [['counts'], ['summaries']].map(async (queryKey) => await queryClient.invalidateQueries({ queryKey })),
  );
}

/** Rejects with what the server said. */
export async function actOnOne(act: BulkAct, id: string): Promise<void> {
  switch (act) {
    case 'archive':
    case 'unarchive':
      await client.sessions.update(id, { archived: act === 'archive' });
      return patch(id, { archived: act === 'archive' });
    case 'read': {
      const read_seq = summaries.get(id)?.last_seq ?? 0;
      await client.sessions.mark(id, { read_seq });
      return patch(id, { state: 'idle', read_seq });
    }
    case 'cancel':
      await client.sessions.cancel(id);
      return;
    case 'delete':
      await client.sessions.delete(id).catch(exceptGone);
      return summaries.set(id, undefined);
    default:
      act satisfies never;
  }
}

/** Somebody else was faster: it is as it should be. */
function exceptGone(error: unknown): void {
  if (!(error instanceof GreenroomError && error.status === 404)) throw error;
}

function patch(id: string, change: Partial<SessionSummary>): void {
  const summary = summaries.get(id);
  if (summary !== undefined) summaries.set(id, { ...summary, ...change });
}

/** @returns whether the server did it */
async function show(
  id: string,
  change: Partial<SessionSummary>,
  request: () => Promise<unknown>,
): Promise<boolean> {
  const before = summaries.get(id);
  patch(id, change);
  const shown = summaries.get(id);
  try {
    await request();
    return true;
  } catch (error) {
    // Unless the stream has told something newer.
    if (summaries.get(id) === shown) summaries.set(id, before);
    sayFailure(error);
    return false;
  }
}

function sayFailure(error: unknown): void {
  toasts.add({ type: 'error', title: say('sessions.actFailed'), description: reasonOf(error) });
}
