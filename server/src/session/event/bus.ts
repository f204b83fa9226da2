import { z } from 'zod';
import { MAX_PAYLOAD_BYTES, type Notifications } from '../../ground/db/notifications.ts';
import { type DeltaSignal, deltaSignal } from './delta.ts';
import type { StoredEvent } from './event.ts';

/** What nodes tell each other. Every signal is a hint: a reader that misses one finds the fact in the tables. */
export type Signal =
  /** A job waits in the queue. */
  | { type: 'work' }
  /** A turn was queued for a session that may be active. */
  | { type: 'input'; sessionId: string }
  /** The session's running turn was cancelled. */
  | { type: 'cancel'; sessionId: string; turnId: string }
  /** The session's settings changed. */
  | { type: 'options'; sessionId: string }
  /** An approval of the session was decided. */
  | { type: 'approval'; sessionId: string }
  /** A background task of the session's agent is to stop. */
  | { type: 'stop_task'; sessionId: string; taskId: string }
  | { type: 'deleted'; sessionId: string; tenantId: string }
  /** A reader noted something of the session. */
  | { type: 'marks'; sessionId: string }
  /** A reader has read everything. */
  | { type: 'all_read'; tenantId: string; reader: string }
  /** An API key was made, changed or revoked. */
  | { type: 'api_key'; apiKeyId: string }
  /** A piece of a message that an agent is writing. */
  | DeltaSignal
  /** Events were stored up to `seq`; those small enough come along. */
  | { type: 'events'; sessionId: string; seq: number; events: StoredEvent[] };

type Listener = (signal: Signal) => void;

const wireEvent = z.object({
  seq: z.number(),
  turnId: z.string().nullable(),
  kind: z.string(),
  data: z.unknown(),
  at: z.string(),
});
const wireSignal = z.discriminatedUnion('type', [
  z.object({ type: z.literal('work') }),
  z.object({ type: z.literal('input'), sessionId: z.string() }),
  z.object({ type: z.literal('cancel'), sessionId: z.string(), turnId: z.string() }),
  z.object({ type: z.literal('options'), sessionId: z.string() }),
  z.object({ type: z.literal('approval'), sessionId: z.string() }),
  z.object({ type: z.literal('stop_task'), sessionId: z.string(), taskId: z.string() }),
  z.object({ type: z.literal('deleted'), sessionId: z.string(), tenantId: z.string() }),
  z.object({ type: z.literal('marks'), sessionId: z.string() }),
  z.object({ type: z.literal('all_read'), tenantId: z.string(), reader: z.string() }),
  z.object({ type: z.literal('api_key'), apiKeyId: z.string() }),
  deltaSignal,
  z.object({
    type: z.literal('events'),
    sessionId: z.string(),
    seq: z.number(),
    events: z.array(wireEvent),
  }),
]);

/**
 * Carries signals between the nodes of one database, and to the listeners in this one. All of them take the same way,
 * through PostgreSQL, so that one node behaves like many.
 */
export class EventBus {
  readonly #notifications: Notifications;
  readonly #listeners = new Set<Listener>();
  readonly #onConnected = new Set<() => void>();

  constructor(notifications: Notifications) {
    this.#notifications = notifications;
  }

  async start(): Promise<void> {
    await this.#notifications.start({
      onPayload: (payload) => this.#receive(payload),
      onConnected: () => {
        for (const callback of this.#onConnected) callback();
      },
    });
  }

  /** Listens to every signal until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back after each (re)connect, when signals may have been missed. */
  onConnected(callback: () => void): () => void {
    this.#onConnected.add(callback);
    return () => this.#onConnected.delete(callback);
  }

  /** Only after the commit of what it tells. */
  publish(signals: readonly Signal[]): void {
    this.#notifications.publish(pack(signals));
  }

  publishEvents(events: readonly StoredEvent[]): void {
    this.publish(
      events.map((event) => ({
        type: 'events',
        sessionId: event.sessionId,
        seq: event.seq,
        events: [event],
      })),
    );
  }

  #receive(payload: string): void {
    const parts = z.array(z.unknown()).safeParse(parseJson(payload)).data ?? [];
    // Another version of the program may say things that this one does not know.
    const signals = parts.flatMap((part) => wireSignal.safeParse(part).data ?? []);
    for (const signal of signals) {
      const revived =
        signal.type === 'events'
          ? { ...signal, events: signal.events.map((e) => revive(signal.sessionId, e)) }
          : signal;
      for (const listener of this.#listeners) listener(revived);
    }
  }
}

/** As many signals as fit per payload; an event that is too large for one goes as a pointer. Exported for its test. */
export function pack(signals: readonly Signal[]): string[] {
  const payloads: string[] = [];
  let current: string[] = [];
  let bytes = 2;
  for (const signal of signals) {
    let text = JSON.stringify(toWire(signal));
    if (Buffer.byteLength(text) + 2 > MAX_PAYLOAD_BYTES && signal.type === 'events') {
      text = JSON.stringify({ ...signal, events: [] });
    }
    const size = Buffer.byteLength(text) + 1;
    // PostgreSQL would refuse it, and all that goes with it. It is only a hint.
    if (size + 1 > MAX_PAYLOAD_BYTES) continue;
    if (bytes + size > MAX_PAYLOAD_BYTES && current.length > 0) {
      payloads.push(`[${current.join(',')}]`);
      current = [];
      bytes = 2;
    }
    current.push(text);
    bytes += size;
  }
  if (current.length > 0) payloads.push(`[${current.join(',')}]`);
  return payloads;
}

// The signal around an event already names its session.
function toWire(signal: Signal): object {
  if (signal.type !== 'events') return signal;
  return { ...signal, events: signal.events.map(({ sessionId: _, ...event }) => event) };
}

function revive(sessionId: string, event: z.infer<typeof wireEvent>): StoredEvent {
  return { ...event, sessionId, at: new Date(event.at) } as StoredEvent;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
