import type { ServerResponse } from 'node:http';

/** What a connection that does not read may hold of our memory. */
const MAX_BUFFERED_BYTES = 64 * 1024;
const RETRY_MS = 1_000;

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // The stream ends with the connection: no chunked encoding, whose framing costs as much as the frames.
  connection: 'close',
  'x-accel-buffering': 'no',
} as const;

/**
 * The HTTP side of an event stream: bytes out, within bounds.
 *
 * - open: takes what there is room for. A write that finds no room is refused, and whoever wrote waits for `drained`.
 * - ending: entered by `end`; what is buffered still goes out.
 * - closed: entered when the other side goes away, or did not read for as long as our patience lasts. For good.
 */
export class StreamConnection {
  readonly #response: ServerResponse;
  readonly #patienceMs: number;
  readonly #onClosed = new Set<() => void>();
  #isClosed = false;

  constructor(response: ServerResponse, options: { headers: object; patienceMs: number }) {
    this.#response = response;
    this.#patienceMs = options.patienceMs;
    response.on('error', () => {});
    response.once('close', () => this.#close());
    response.useChunkedEncodingByDefault = false;
    response.writeHead(200, { ...options.headers, ...STREAM_HEADERS });
    response.write(`retry: ${RETRY_MS}\n\n`);
    if (response.destroyed) this.#close();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get bufferedBytes(): number {
    return this.#response.writableLength;
  }

  /** Calls back once, at once if it is closed already. */
  onClosed(callback: () => void): void {
    if (this.#isClosed) callback();
    else this.#onClosed.add(callback);
  }

  /** @returns false, and takes nothing, when there is no room. One frame that is larger than the bound goes alone. */
  write(bytes: Buffer): boolean {
    const buffered = this.#response.writableLength;
    if (buffered > 0 && buffered + bytes.length > MAX_BUFFERED_BYTES) return false;
    this.#response.write(bytes);
    return true;
  }

  /**
   * Resolves with true when nothing is buffered, and with false when the connection is closed: at the latest when our
   * patience ends. With `withinMs`, false as well when that is over, and no harm is done.
   */
  async drained(withinMs?: number): Promise<boolean> {
    // Between its destruction and its end a response takes nothing, and says so without letting anything else happen.
    if (this.#isClosed || this.#response.destroyed) return false;
    if (this.#response.writableLength === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const giveUp = (): void => {
      if (withinMs === undefined) this.destroy();
      resolve(false);
    };
    const timer = setTimeout(giveUp, withinMs ?? this.#patienceMs);
    const onClosed = (): void => resolve(false);
    this.#onClosed.add(onClosed);
    // Written after everything else, so its callback comes when all of that has gone out.
    this.#response.write('', (error) => resolve(!error && !this.#isClosed));
    const isDrained = await promise;
    clearTimeout(timer);
    this.#onClosed.delete(onClosed);
    return isDrained;
  }

  /** Only where nothing waits to go out: what waits is a sign of life as well. */
  heartbeat(): void {
    if (this.#response.writableLength === 0 && !this.#response.writableEnded)
      this.#response.write(': heartbeat\n\n');
  }

  /** Ends in good order after a last frame; a client that does not take it is cut off. */
  end(frame = ''): void {
    if (this.#isClosed || this.#response.writableEnded) return;
    this.#response.end(frame);
    const patience = setTimeout(() => this.destroy(), this.#patienceMs).unref();
    this.onClosed(() => clearTimeout(patience));
  }

  destroy(): void {
    this.#response.destroy();
  }

  #close(): void {
    this.#isClosed = true;
    for (const callback of this.#onClosed) callback();
    this.#onClosed.clear();
  }
}
