import { readStream, type StreamConnection } from './event-stream.ts';
import { type Http, path } from './http.ts';
import type { EventKind, MultiplexedEvent, SessionStatus, StreamEvent } from './types.ts';

export type StreamOptions = {
  /** Only events of these kinds. */
  kinds?: readonly EventKind[] | undefined;
  /** Also the pieces of messages while they are being written. */
  deltas?: boolean | undefined;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
  /** Told how the connection stands, whenever that changes. */
  onConnection?: ((connection: StreamConnection) => void) | undefined;
};

export type SessionStreamOptions = StreamOptions & {
  /** Only events with a larger `seq`; without it all. */
  after?: number | undefined;
};

export type EventsOptions = StreamOptions & {
  /** Sessions whose events are wanted, at most 20. Of the others there are summaries. */
  sessions?: readonly string[] | undefined;
  /** Summaries only of sessions with these statuses. */
  statuses?: readonly SessionStatus[] | undefined;
  /** Summaries of archived sessions, of the others, or (without it) of both. */
  archived?: boolean | undefined;
  /** How many sessions the first summaries are of at most, the newest (100). */
  limit?: number | undefined;
  /** By session: only events with a larger `seq`. */
  after?: Readonly<Record<string, number>> | undefined;
};

/** Each event of a session once and in order, over as many connections as it takes. */
export async function* streamSession(
  http: Http,
  sessionId: string,
  options: SessionStreamOptions,
): AsyncGenerator<StreamEvent, void> {
  const { signal, onConnection, ...query } = options;
  const isNew = dropRepeated(new Map([['', options.after ?? 0]]));
  for await (const message of readStream(http, {
    path: path`/sessions/${sessionId}/events`,
    query,
    signal,
    onConnection,
  })) {
    if (message.type === 'end') return;
    const event = JSON.parse(message.data) as StreamEvent;
    if (isNew(event)) yield event;
  }
}

/** The same for many sessions on one connection. */
export async function* streamMany(
  http: Http,
  options: EventsOptions,
): AsyncGenerator<MultiplexedEvent, void> {
  const { signal, onConnection, after = {}, sessions = [], ...query } = options;
  const places = Object.entries(after);
  const cursors = places.length === 0 ? null : places.map(([id, seq]) => `${id}:${seq}`);
  const source = {
    path: '/events',
    query: { sessions: sessions.length === 0 ? null : sessions, ...query, after: cursors },
    signal,
    onConnection,
  };
  const isNew = dropRepeated(new Map(places));
  for await (const message of readStream(http, source)) {
    const event = JSON.parse(message.data) as MultiplexedEvent;
    if (isNew(event)) yield event;
  }
}

type Numbered = { kind: string; seq?: number; session_id?: string };

/** A connection that is made again may begin a little earlier than the last one ended. */
function dropRepeated(last: Map<string, number>): (event: Numbered) => boolean {
  return ({ kind, seq, session_id = '' }) => {
    if (kind === 'reset') last.delete(session_id);
    if (seq === undefined) return true;
    if (seq <= (last.get(session_id) ?? 0)) return false;
    last.set(session_id, seq);
    return true;
  };
}
