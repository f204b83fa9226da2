import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setImmediate as immediate } from 'node:timers/promises';
import { request as ask, type Dispatcher } from 'undici';
import { describeFailure } from './failure.ts';
import { Refusal, requestHeaders, responseHeaders } from './headers.ts';
import type { Meter } from './meter.ts';
import type { ModelRequest } from './model-request.ts';
import type { OutgoingConnections } from './outgoing.ts';
import { SilenceWatch, SilentModelError } from './silence.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamLog } from './upstream-log.ts';
import type { Ending } from './used.ts';

/** A request that may be made, and where its answer goes. */
export type Forwarding = {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  asked: ModelRequest;
  upstream: Upstream;
  /** Ends the request to the model API: the agent went away, or lost its access. */
  signal: AbortSignal;
  onByte: () => void;
};

export type ForwarderParts = {
  connections: OutgoingConnections;
  log: UpstreamLog;
  /** How long any model API may take for the first byte of its answer. Milliseconds. */
  firstByteMs: number;
};

/** Passes requests on to model APIs and answers back, byte for byte. */
export class Forwarder {
  readonly #parts: ForwarderParts;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** Throws when the answer did not reach its end. The meter is null for what costs nothing. */
  async forward(forwarding: Forwarding, meter: Meter | null): Promise<void> {
    const { response, signal, onByte } = forwarding;
    if (signal.aborted) return await meter?.end('broken');
    const { idleMs } = forwarding.upstream;
    const limits = { idleMs, firstByteMs: Math.max(this.#parts.firstByteMs, idleMs) };
    const silence = new SilenceWatch(limits, () => response.writableNeedDrain);
    let ending: Ending | null = null;
    const endEarly = (): Ending => (signal.aborted ? 'left' : 'broken');
    try {
      const answer = await this.#ask(forwarding, AbortSignal.any([signal, silence.signal]));
      meter?.begin(answer.statusCode, answer.headers);
      response.writeHead(answer.statusCode, responseHeaders(answer.headers));
      // With the first piece of the body where that has come too.
      setImmediate(() => response.flushHeaders());
      // At once: its end ends the agent's answer, and then it looks as if the agent had left.
      answer.body.once('error', () => {
        ending ??= endEarly();
      });
      answer.body.on('data', (chunk: Buffer) => {
        onByte();
        silence.heard();
        // Once it is on its way, but before the server hears the agent again: that may end its turn on the last word.
        setImmediate(() => meter?.observe(chunk));
      });
      await pipeline(answer.body, response);
      ending = 'whole';
    } catch (error) {
      ending ??= endEarly();
      throw ending === 'left' ? error : this.#fail(forwarding, error);
    } finally {
      silence.stop();
      await immediate();
      await meter?.end(ending ?? 'broken');
    }
  }

  /** @returns what the agent is told, where it can be told anything */
  #fail({ upstream, response }: Forwarding, error: unknown): Error {
    const message = describeFailure(error, response.headersSent);
    this.#parts.log.failed(upstream, error, message);
    return new Refusal(error instanceof SilentModelError ? 504 : 502, 'api_error', message);
  }

  async #ask(
    { request, url, asked, upstream }: Forwarding,
    abort: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const target = new URL(upstream.baseUrl);
    target.pathname = target.pathname.replace(/\/$/, '') + url.pathname;
    target.search = url.search;
    return await ask(target, {
      method: 'POST',
      headers: { ...requestHeaders(request.headers), ...upstream.credentials },
      body: asked.bytes,
      dispatcher: this.#parts.connections.to(target),
      // Its silence is watched here, from the request on.
      headersTimeout: 0,
      bodyTimeout: 0,
      signal: abort,
    });
  }
}
