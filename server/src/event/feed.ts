import type { Kysely } from 'kysely';
import type { Database } from '../db/database.ts';
import type { EventBus } from './bus.ts';
import type { StoredEvent } from './event.ts';
import { listEvents } from './store.ts';

const PAGE = 500;
const SWEEP_MS = 2_000;

/**
 * A session's events after `after`, for ever: first what is stored, then what comes, with none lost and none twice.
 * Signals only wake the reader; what they carry is used when it is the next in line, else the table is read. A slow
 * sweep covers a signal that was lost. Ends when `signal` aborts.
 */
export async function* readEvents(
  source: { db: Kysely<Database>; bus: EventBus },
  options: { sessionId: string; after?: number; signal: AbortSignal },
): AsyncGenerator<StoredEvent, void> {
  const { sessionId, signal } = options;
  let last = options.after ?? 0;
  let arrived: StoredEvent[] = [];
  let isBehind = true;
  let wake = Promise.withResolvers<void>();
  const notice = (): void => wake.resolve();
  const lookAgain = (): void => {
    isBehind = true;
    notice();
  };
  const stopListening = source.bus.listen((message) => {
    if (message.type !== 'events' || message.sessionId !== sessionId) return;
    if (message.events.length === 0) isBehind = true;
    arrived.push(...message.events);
    notice();
  });
  const stopWatching = source.bus.onConnected(lookAgain);
  const sweep = setInterval(lookAgain, SWEEP_MS).unref();
  signal.addEventListener('abort', notice, { once: true });
  try {
    while (!signal.aborted) {
      wake = Promise.withResolvers<void>();
      const fresh = arrived.filter((event) => event.seq > last);
      arrived = [];
      if (fresh.some((event, index) => event.seq !== last + 1 + index)) isBehind = true;
      if (isBehind) {
        isBehind = false;
        const page = await listEvents(source.db, { sessionId, after: last, limit: PAGE });
        if (page.length === PAGE) isBehind = true;
        fresh.splice(0, fresh.length, ...page);
      }
      for (const event of fresh) {
        if (signal.aborted) return;
        yield event;
        last = event.seq;
      }
      if (!isBehind && arrived.length === 0 && !signal.aborted) await wake.promise;
    }
  } finally {
    clearInterval(sweep);
    stopListening();
    stopWatching();
    signal.removeEventListener('abort', notice);
  }
}
