import {
  type GreenroomClient,
  GreenroomError,
  type MultiplexedEvent,
  type StreamEvent,
} from '@greenroom/client';
import { noteServerTime } from '../api/server-clock.ts';
import { Store } from '../util/store.ts';
import { summaries } from './summaries.ts';

/*
 * The one stream of this tab: how all sessions stand, and the events of the one that is open. Browsers stall at six
 * connections to a server, silently, so nothing else may open a stream.
 *
 *   stopped ──start──▶ connecting ──answer──▶ live
 *                          ▲  │ failed          │ lost, closed, or silent for 45 s
 *                          │  ▼                 ▼
 *                          waiting ◀────────────┘      a wake-up (online again, tab shown, "try now") ends the wait
 *
 * The open session changes by connecting again, behind the last event that it has.
 */

export type ConnectionState =
  | { name: 'stopped' }
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
  /** The server wants a key: nothing is tried until `start`. */
  onSignedOut?: () => void;
};

/** Sessions in the snapshot; lists read what is older by themselves. */
const SNAPSHOT = 100;
const MAX_WAIT_MS = 30_000;

export class LiveConnection {
  readonly state = new Store<ConnectionState>({ name: 'stopped' });
  readonly #options: LiveOptions;
  readonly #followers = new Map<string, Set<Follower>>();
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
    this.#round?.abort();
    this.#round = null;
    this.state.set({ name: 'stopped' });
  }

  /** Tries at once, if it waits; with `force` also if it believes to be live, say after the machine slept. */
  wake(force = false): void {
    const { name } = this.state.get();
    if (name === 'waiting' || (force && name !== 'stopped')) this.#begin();
  }

  /** The session's events behind `follower.after()`, from now on; returns what ends it. */
  follow(sessionId: string, follower: Follower): () => void {
    const followers = this.#followers.get(sessionId) ?? new Set();
    this.#followers.set(sessionId, followers.add(follower));
    if (this.#round !== null) this.#begin();
    return () => {
      followers.delete(follower);
      if (followers.size > 0) return;
      this.#followers.delete(sessionId);
      if (this.#round !== null) this.#begin();
    };
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
        if (error instanceof GreenroomError && error.status === 401) {
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
        if (signal.aborted) return;
        if (connection.state === 'open') this.#failures = 0;
        else if (connection.state === 'connecting') this.state.set({ name: 'connecting' });
        else {
          const retryAt = Date.now() + connection.retryInMs;
          this.state.set({ name: 'waiting', retryAt, error: connection.error?.message ?? null });
        }
      },
    });
    for await (const event of stream) {
      if (signal.aborted) return;
      this.#take(event);
    }
  }

  #placeOf(sessionId: string): number {
    const places = [...(this.#followers.get(sessionId) ?? [])].map((follower) => follower.after());
    return Math.min(...places);
  }

  #take(event: MultiplexedEvent): void {
    // NOTE: not when the answer begins: a proxy that buffers has answered, and nothing comes through it.
    if (this.state.get().name !== 'live') this.state.set({ name: 'live' });
    if (event.kind === 'summary') summaries.set(event.session_id, event.data);
    else if (event.kind === 'ready') this.#takeReady(event.data);
    else if (event.kind === 'end') {
      summaries.set(event.session_id, undefined);
      for (const follower of this.#followers.get(event.session_id) ?? []) follower.end(event.data.reason);
    } else for (const follower of this.#followers.get(event.session_id) ?? []) follower.take(event);
  }

  #takeReady({ now }: { now?: string }): void {
    if (now !== undefined) noteServerTime(now);
    this.#options.onReady?.(!this.#hasBeenReady);
    this.#hasBeenReady = true;
  }

  async #wait(error: unknown, signal: AbortSignal): Promise<void> {
    const ms = Math.min(MAX_WAIT_MS, 1_000 * 2 ** this.#failures++) * (0.5 + Math.random() / 2);
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
