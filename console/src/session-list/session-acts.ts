import { GreenroomError, type MarksRequest, type SessionSummary } from '@greenroom/client';
import { client } from '../api/client.ts';
import { reasonOf } from '../api/describe-error.ts';
import { queryClient } from '../api/query-client.ts';
import { say } from '../i18n/locale.ts';
import { type Change, summaries } from '../live/summaries.ts';
import { toasts } from '../ui/toast.tsx';
import type { BulkAct } from './bulk.ts';

/* What can be done with a session from the list. What cannot go wrong for long is shown at once, and taken back if it did. */

export async function setPinned({ session_id: id }: SessionSummary, pinned: boolean): Promise<boolean> {
  return await show(id, pinnedOrNot(pinned), async () => await mark(id, { pinned }, pinnedOrNot(pinned)));
}

export async function setArchived({ session_id: id }: SessionSummary, archived: boolean): Promise<boolean> {
  return await show(id, archivedOrNot(archived), async () => await archive(id, archived));
}

export async function setUnread(
  { session_id: id, last_seq }: SessionSummary,
  unread: boolean,
): Promise<boolean> {
  const change = unread ? unreadAgain : readUpTo(last_seq);
  const marks = unread ? { unread } : { read_seq: last_seq };
  return await show(id, change, async () => await mark(id, marks, change));
}

/** Of a rename that fails the dialog tells. */
export async function rename({ session_id: id }: SessionSummary, title: string | null): Promise<void> {
  const session = await inTurn(id, async () => await client.sessions.update(id, { title }));
  summaries.note(id, (told) => ({ ...told, title: session.title, updated_at: session.updated_at }));
}

export async function readAll(): Promise<void> {
  try {
    const { marked_at } = await client.sessions.readAll();
    for (const { session_id: id, state, last_seq } of [...summaries.values()]) {
      if (state === 'unread') summaries.note(id, (told) => ({ ...readUpTo(last_seq)(told), marked_at }));
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
      return summaries.note(id, await archive(id, act === 'archive'));
    case 'read': {
      const read_seq = summaries.get(id)?.last_seq ?? 0;
      return summaries.note(id, await mark(id, { read_seq }, readUpTo(read_seq)));
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

function pinnedOrNot(pinned: boolean): Change {
  return (told) => ({ ...told, pinned });
}

function archivedOrNot(archived: boolean): Change {
  return (told) => ({ ...told, archived });
}

function unreadAgain(told: SessionSummary): SessionSummary {
  return { ...told, ...(isOver(told) && { state: 'unread' }), read_seq: 0 };
}

function readUpTo(read_seq: number): Change {
  return (told) => ({
    ...told,
    ...(isOver(told) && told.last_seq <= read_seq && { state: 'idle' }),
    read_seq,
  });
}

/** What runs has no end yet that could be read. */
function isOver({ state }: SessionSummary): boolean {
  return state === 'idle' || state === 'unread';
}

async function archive(id: string, archived: boolean): Promise<Change> {
  const { updated_at } = await inTurn(id, async () => await client.sessions.update(id, { archived }));
  return (told) => ({ ...archivedOrNot(archived)(told), updated_at });
}

async function mark(id: string, marks: MarksRequest, change: Change): Promise<Change> {
  const { marked_at } = await inTurn(id, async () => await client.sessions.mark(id, marks));
  return (told) => ({ ...change(told), marked_at });
}

/** What is under way, by session. */
const latest = new Map<string, Promise<unknown>>();

/** One after the other in each session: else the server might do the second first. */
async function inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
  const before = latest.get(id);
  const work = (async () => {
    await before?.catch(() => {}); // its own caller is told
    return await act();
  })();
  latest.set(id, work);
  try {
    return await work;
  } finally {
    if (latest.get(id) === work) latest.delete(id);
  }
}

/** @returns whether the server did it */
async function show(id: string, change: Change, request: () => Promise<Change>): Promise<boolean> {
  const end = summaries.change(id, change);
  try {
    end(await request());
    return true;
  } catch (error) {
    end(null);
    sayFailure(error);
    return false;
  }
}

function sayFailure(error: unknown): void {
  toasts.add({ type: 'error', title: say('sessions.actFailed'), description: reasonOf(error) });
}
