import { Readable } from 'node:stream';
import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { listSdkMessages } from '../../session/event/store.ts';
import { getSessionOrThrow, type SessionRow } from '../../session/service.ts';
import type { SessionKey } from '../../session/store.ts';
import { findWindow, type MessageQuery, type MessageWindow } from './message-window.ts';
import { renderMessage } from './messages.ts';
import { type ClassicResult, readResult } from './service.ts';

export type Status = {
  session: SessionRow;
  result: ClassicResult | null;
  query: MessageQuery;
  window: MessageWindow;
};

export async function readStatus(
  db: Kysely<Database>,
  key: SessionKey,
  query: MessageQuery,
): Promise<Status> {
  const session = await getSessionOrThrow(db, key);
  const result = await readResult(db, session);
  const place = { sessionId: session.id, lastSeq: session.last_seq };
  return { session, result, query, window: await findWindow(db, place, query) };
}

/**
 * The answer of `GET /status/{id}` (`statusResponse`) as text, piece by piece: what is read next waits until the client
 * has taken what was read before, and holds no connection to the database meanwhile.
 */
export function streamStatus(db: Kysely<Database>, status: Status): Readable {
  return Readable.from(renderStatus(db, status));
}

async function* renderStatus(db: Kysely<Database>, status: Status): AsyncGenerator<string, void> {
  const { session, result, window } = status;
  yield `{"session_id":"${session.id}","status":"${session.status}","messages":[`;
  let shown = 0;
  for (const range of window.ranges) {
    const stored = await listSdkMessages(db, { sessionId: session.id, ...range });
    if (stored.length === 0) throw new Error(`session ${session.id} was deleted while it was being read`);
    const messages = stored.flatMap(({ text, at }) => renderMessage(text, at) ?? []);
    if (messages.length > 0) yield (shown === 0 ? '' : ',') + messages.join();
    shown += messages.length;
  }
  const rest = {
    result,
    error: session.error,
    duration_ms: durationMs(session, new Date()),
    total_cost_usd: result === null && session.cost_usd === 0 ? null : session.cost_usd,
    ...whatIsLeft(status, shown),
  };
  yield `],${JSON.stringify(rest).slice(1)}`;
}

/** What classic clients do not expect is there only where it says something, or was asked for. */
function whatIsLeft({ session, query, window }: Status, shown: number): object {
  if (query.after !== null) return { next_after: nextAfter(window, session), has_more: window.isCut };
  const omitted = window.isCut ? session.message_count - shown : 0;
  return omitted > 0 ? { messages_omitted: omitted } : {};
}

export function nextAfter({ ranges, isCut }: MessageWindow, { last_seq }: SessionRow): number {
  return isCut ? (ranges.at(-1)?.upTo ?? 0) : last_seq;
}

function durationMs({ started_at, ended_at }: SessionRow, now: Date): number | null {
  if (started_at === null) return null;
  return Math.max(0, (ended_at ?? now).getTime() - started_at.getTime());
}
