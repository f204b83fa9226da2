import { backoffMs, wait } from './backoff.ts';
import { GreenroomConnectionError, GreenroomError } from './errors.ts';
import { connectionError, type Http, isPassing, type Query } from './http.ts';
import { EventStreamParser, type ServerSentEvent } from './sse.ts';

/*
 * A stream that outlives its connections.
 *
 *   connecting ──answer──▶ open ──messages──▶ open
 *       │                   │ lost, closed, or silent for too long
 *       │ failed            ▼
 *       └──────────────▶ waiting ──▶ connecting, after the last message that was read
 *
 * It ends when its reader leaves or its signal aborts, and throws what another try would not mend: 4xx answers, and a
 * server that cannot be reached at all. Once it has been open it goes on trying.
 */

/** Three heartbeats. */
const IDLE_MS = 45_000;

/** How a stream stands: `attempt` counts the tries since it was last open. */
export type StreamConnection =
  | { state: 'connecting'; attempt: number }
  | { state: 'open' }
  | { state: 'waiting'; attempt: number; retryInMs: number; error: Error | null };

export type StreamSource = {
  path: string;
  query: Query;
  signal?: AbortSignal | undefined;
  onConnection?: ((connection: StreamConnection) => void) | undefined;
};

export type StreamParts = { idleMs?: number; wait?: typeof wait };

export async function* readStream(
  http: Http,
  source: StreamSource,
  parts: StreamParts = {},
): AsyncGenerator<ServerSentEvent, void> {
  const { signal } = source;
  let lastEventId: string | null = null;
  let hasBeenOpen = false;
  let failures = 0;
  let firstMs: number | null = null;
  while (!signal?.aborted) {
    let retryAfterMs: number | null = null;
    let failure: Error | null = null;
    source.onConnection?.({ state: 'connecting', attempt: failures });
    const connection = new Connection(source, parts.idleMs ?? IDLE_MS);
    try {
      const messages = await connection.open(http, lastEventId);
      hasBeenOpen = true;
      source.onConnection?.({ state: 'open' });
      for await (const message of messages) {
        failures = 0;
        if (message.id !== '') lastEventId = message.id;
        yield message;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!isWorthAnotherTry(error) || (!hasBeenOpen && failures >= http.maxRetries)) throw error;
      failure = error instanceof Error ? error : new Error(String(error));
      retryAfterMs = error instanceof GreenroomError ? (error.retryAfterMs ?? null) : null;
    } finally {
      connection.close();
    }
    firstMs = connection.retryMs ?? firstMs;
    const ms = backoffMs(failures++, { retryAfterMs, firstMs });
    source.onConnection?.({ state: 'waiting', attempt: failures, retryInMs: ms, error: failure });
    await (parts.wait ?? wait)(ms, signal).catch(rethrowUnless(signal));
  }
}

/** One connection of a stream. */
class Connection {
  readonly #source: StreamSource;
  readonly #idleMs: number;
  readonly #controller = new AbortController();
  readonly #parser = new EventStreamParser();

  constructor(source: StreamSource, idleMs: number) {
    this.#source = source;
    this.#idleMs = idleMs;
  }

  get retryMs(): number | null {
    return this.#parser.retryMs;
  }

  async open(http: Http, lastEventId: string | null): Promise<AsyncGenerator<ServerSentEvent, void>> {
    const { path, query, signal } = this.#source;
    const response = await this.#unlessSilent(
      http.open('GET', path, {
        query,
        headers: {
          accept: 'text/event-stream',
          ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
        },
        signal: signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal,
      }),
    ).catch((error) => {
      throw error instanceof GreenroomError ? error : connectionError(error, http.baseUrl);
    });
    const type = response.headers.get('content-type') ?? 'nothing';
    if (!type.startsWith('text/event-stream') || response.body === null) {
      const detail = `expected text/event-stream and got ${type}`;
      throw new GreenroomError({ status: response.status, code: 'unexpected_answer', detail });
    }
    return this.#read(response.body.getReader());
  }

  async *#read(body: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
    for (;;) {
      const { done, value } = await this.#unlessSilent(body.read()).catch((error) => {
        throw new GreenroomConnectionError('the stream broke off', { cause: error });
      });
      if (done) return;
      yield* this.#parser.push(value);
    }
  }

  close(): void {
    this.#controller.abort();
  }

  async #unlessSilent<T>(coming: Promise<T>): Promise<T> {
    const silence = new GreenroomConnectionError(`nothing came for ${this.#idleMs} ms`);
    const timer = setTimeout(() => this.#controller.abort(silence), this.#idleMs);
    try {
      return await coming;
    } finally {
      clearTimeout(timer);
    }
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  return isPassing(error) || (error instanceof GreenroomError && error.status >= 500);
}

function rethrowUnless(signal: AbortSignal | undefined): (error: unknown) => void {
  return (error) => {
    if (!signal?.aborted) throw error;
  };
}
