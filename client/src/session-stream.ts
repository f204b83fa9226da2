import { readStream } from './event-stream.ts';
import { type Http, path } from './http.ts';
import type { EventKind, SessionEvent } from './types.ts';

export type SessionStreamOptions = {
  /** Only events with a larger `seq`; 0 is from the beginning. */
  after?: number | undefined;
  /** Also the pieces of messages while they are being written. */
  deltas?: boolean | undefined;
  /** Only events of these kinds. */
  kinds?: readonly EventKind[] | undefined;
  /** Ends the stream, without an error. */
  signal?: AbortSignal | undefined;
};

/** A piece of a message that is being written; never stored, so a reader that comes later does not get it. */
export type DeltaEvent = { kind: 'delta'; turn_id: string | null; data: Record<string, unknown> };

/** Pieces of the message that was being written were lost: forget those that came. The whole message comes as `sdk`. */
export type ResetEvent = { kind: 'reset'; turn_id: string | null; data: Record<string, unknown> };

export type StreamEvent = SessionEvent | DeltaEvent | ResetEvent;

export async function* streamSession(
  http: Http,
  sessionId: string,
  options: SessionStreamOptions,
): AsyncGenerator<StreamEvent, void> {
  const { after, deltas, kinds, signal } = options;
  let last = after ?? 0;
  const source = { path: path`/sessions/${sessionId}/events`, query: { after, deltas, kinds }, signal };
  for await (const message of readStream(http, source)) {
    const event = { kind: message.type, ...JSON.parse(message.data) } as StreamEvent;
    if ('seq' in event) {
      if (event.seq <= last) continue;
      last = event.seq;
    }
    if (message.type !== 'end') yield event;
  }
}
