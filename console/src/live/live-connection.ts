import type { GreenroomClient, MultiplexedEvent, StreamConnection, StreamEvent } from '@greenroom/client';
import { noteServerTime } from '../api/server-clock.ts';
import { Store } from '../util/store.ts';
import { summaries } from './summaries.ts';

/*
 * The one stream of this tab: how all sessions stand, and the events of the one that is open. Browsers stall at six
 * connections to a server, silently, so nothing else may open a stream.
 *
 *   stopped ──start──▶ connecting ──first event──▶ live
 *                          ▲  │ failed               │ lost, closed, or silent for 45 s
 *                          │  ▼                      ▼
 *                          waiting ◀─────────────────┘   a wake-up (online again, tab shown, "try now") ends the wait
 *
 *   Any of them ──pause──▶ paused (a hidden tab that leaves the watching to another) ──start──▶ connecting
 *   An answer that wants a key leads to stopped.
 *
 * The open session changes by connecting again, behind the last event that it has.
 */

export type ConnectionState =
  | { name: 'stopped' }
  | { name: 'paused' }
  | { name: 'connecting' }
  | { name: 'live' }
  | { name: 'waiting'; retryAt: number; error: string | null };

/** Who follows a session. `after` says behind which event to go on, whenever the stream connects again. */
export type Follower = {
  after(): number;
  take(event: StreamEvent): void;
  /** The session is gone, or never was. */
  end(reason: 'deleted' | 'not_found'): void;
};

export type LiveOptions = {
  client: GreenroomClient;
  /** The snapshot is complete, also after each new connection: what was read before may have missed something. */
  onReady?: (isFirst: boolean) => void;
  /** Whether the server wants a key; then nothing is tried until `start`. */
  isSignedOut?: (error: unknown) => boolean;
  onSignedOut?: () => void;
  /** A follower failed: its fault must not end the stream of the others. */
  onFollowerError?: (error: unknown) => void;
  random?: () => number;
};

/** Sessions in the snapshot; lists read what is older by themselves. */
const SNAPSHOT = 100;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;

export class LiveConnection {
  readonly state = new Store<ConnectionState>({ name: 'stopped' });
  readonly #options: LiveOptions;
  readonly #followers = new Map<string, Set<Follower>>();
  /** Of the connection that holds; null while none is wanted. */
  #round: AbortController | null = null;
  #hasBeenReady = false;
  #failures = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#round === null) this.#begin();
  }

  stop(): void {
    this.#end('stopped');
  }

  /** For a while nothing is wanted; `start` goes on. */
  pause(): void {
    if (this.#round !== null) this.#end('paused');
  }

  /** Tries at once, if it waits; with `force` also if it believes to be live, say after the machine slept. */
  wake(force = false): void {
    if (this.#round === null) return;
    if (force || this.state.get().name === 'waiting') this.#begin();
  }

  /** The session's events behind `follower.after()`, from now on; returns what ends it. */
  follow(sessionId: string, follower: Follower): () => void {
    const followers = this.#followers.get(sessionId) ?? new Set();
    this.#followers.set(sessionId, followers.add(follower));
    if (this.#round !== null) this.#begin();
    return () => {
      followers.delete(follower);
      if (followers.size > 0 || this.#followers.get(sessionId) !== followers) return;
      this.#followers.delete(sessionId);
      if (this.#round !== null) this.#begin();
    };
  }

  #end(name: 'stopped' | 'paused'): void {
    this.#round?.abort();
    this.#round = null;
    this.state.set({ name });
  }

  #begin(): void {
    this.#round?.abort();
    const round = new AbortController();
    this.#round = round;
    // Whoever changes several things at once connects once.
    queueMicrotask(() => {
      if (!round.signal.aborted) void this.#run(round.signal);
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#read(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#options.isSignedOut?.(error)) {
          this.stop();
          this.#options.onSignedOut?.();
          return;
        }
        await this.#wait(error, signal);
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const sessions = [...this.#followers.keys()];
    const stream = this.#options.client.events({
      sessions,
      after: Object.fromEntries(sessions.map((id) => [id, this.#placeOf(id)])),
      deltas: true,
      limit: SNAPSHOT,
      signal,
      onConnection: (connection) => {
        if (!signal.aborted) this.#note(connection);
      },
    });
    for await (const event of stream) {
      if (signal.aborted) return;
      this.#take(event);
    }
  }

  /** NOTE: an answer that began is not yet `live`: a proxy that buffers answers too, and nothing comes through it. */
  #note(connection: StreamConnection): void {
    if (connection.state === 'connecting') this.state.set({ name: 'connecting' });
    if (connection.state !== 'waiting') return;
    const retryAt = Date.now() + connection.retryInMs;
    this.state.set({ name: 'waiting', retryAt, error: connection.error?.message ?? null });
  }

  #placeOf(sessionId: string): number {
    const places = [...(this.#followers.get(sessionId) ?? [])].map((follower) => follower.after());
    return Math.min(...places);
  }

  #take(event: MultiplexedEvent): void {
    this.#failures = 0;
    if (this.state.get().name !== 'live') this.state.set({ name: 'live' });
    switch (event.kind) {
      case 'summary':
        summaries.set(event.session_id, event.data);
        return;
      case 'ready':
        noteServerTime(event.data.now);
        this.#options.onReady?.(!this.#hasBeenReady);
        this.#hasBeenReady = true;
        return;
      case 'end': {
        const { reason } = event.data;
        summaries.set(event.session_id, undefined);
        this.#tell(event.session_id, (follower) => follower.end(reason));
        return;
      }
      default:
        this.#tell(event.session_id, (follower) => follower.take(event));
    }
  }

  #tell(sessionId: string, say: (follower: Follower) => void): void {
    for (const follower of this.#followers.get(sessionId) ?? []) {
      try {
        say(follower);
      } catch (error) {
        this.#options.onFollowerError?.(error);
      }
    }
  }

  async #wait(error: unknown, signal: AbortSignal): Promise<void> {
    const { random = Math.random } = this.#options;
    const longest = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++);
    const ms = longest * (1 - random() / 2);
    const message = error instanceof Error ? error.message : String(error);
    this.state.set({ name: 'waiting', retryAt: Date.now() + ms, error: message });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
