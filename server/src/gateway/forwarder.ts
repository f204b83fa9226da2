import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setImmediate as immediate } from 'node:timers/promises';
import { Agent, request as ask, type Dispatcher, errors } from 'undici';
import type { Logger } from '../log.ts';
import type { SettledFree, Used } from './accounts.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import type { ModelRequest } from './model-request.ts';
import { noTokens } from './price-list.ts';
import type { Upstream } from './upstream.ts';
import { UsageTap } from './usage-tap.ts';

/** A request that may be made, and where its answer goes. */
export type Forwarding = {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  asked: ModelRequest;
  upstream: Upstream;
  sessionId: string;
  /** Ends the request to the model API: the agent went away, or lost its access. */
  signal: AbortSignal;
  onByte: () => void;
};

const BYTES_PER_TOKEN = 4;
/** Of a connection that nobody uses, where the API does not say how long it keeps one. */
const KEEP_ALIVE_MS = 30_000;

/** Passes requests on to model APIs and answers back, byte for byte. */
export class Forwarder {
  readonly #logger: Logger;
  readonly #agent: Agent;

  /** An answer that is silent for longer than `streamIdleMs` is cut. */
  constructor(logger: Logger, streamIdleMs: number) {
    this.#logger = logger;
    // The agent program knows how long it waits for an answer to begin. One connection for each request, as agents open
    // them: with HTTP/2 all would share one, and break with it.
    this.#agent = new Agent({
      ...{ allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: streamIdleMs },
    });
  }

  /** Throws when the answer did not reach its end; `onUsed` is told in any case, once. */
  async forward(forwarding: Forwarding, onUsed: (used: Used | SettledFree) => void): Promise<void> {
    const { response, signal, asked } = forwarding;
    if (signal.aborted) return onUsed({ isFree: true, model: asked.model, upstreamStatus: null });
    let status: number | null = null;
    let tap: UsageTap | null = null;
    let isTold = false;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      onUsed(usedBy(asked, { status, tap, isAborted: signal.aborted }));
    };
    try {
      const answer = await this.#ask(forwarding);
      status = answer.statusCode;
      tap = new UsageTap(String(answer.headers['content-type']));
      response.writeHead(status, responseHeaders(answer.headers));
      // With the first piece of the body where that has come too.
      setImmediate(() => response.flushHeaders());
      const { onByte } = forwarding;
      answer.body.on('data', (chunk: Buffer) => {
        onByte();
        // Once it is on its way, but before the server hears the agent again: that may end its turn on the last word.
        setImmediate(() => {
          if (tap?.observe(chunk)) tell();
        });
      });
      await pipeline(answer.body, response);
    } catch (error) {
      if (error instanceof errors.BodyTimeoutError) {
        this.#logger.warn({ session_id: forwarding.sessionId }, 'cut a silent model stream');
      }
      throw error;
    } finally {
      await immediate();
      tell();
    }
  }

  async #ask(forwarding: Forwarding): Promise<Dispatcher.ResponseData> {
    const { request, url, asked, upstream, signal } = forwarding;
    const target = new URL(upstream.baseUrl);
    target.pathname = target.pathname.replace(/\/$/, '') + url.pathname;
    target.search = url.search;
    return await ask(target, {
      method: 'POST',
      headers: { ...requestHeaders(request.headers), ...upstream.credentials },
      body: asked.bytes,
      dispatcher: this.#agent,
      signal,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

type Ending = { status: number | null; tap: UsageTap | null; isAborted: boolean };

/** What a request used, as far as can be known: an answer that was cut off is paid for to where it was seen. */
function usedBy(asked: ModelRequest, { status, tap, isAborted }: Ending): Used | SettledFree {
  const isRefused = status !== null && (status < 200 || status > 299);
  const isUnreached = status === null && !isAborted;
  if (isRefused || isUnreached) return { isFree: true, model: asked.model, upstreamStatus: status };
  const seen = tap?.end();
  const model = seen?.model ?? asked.model;
  if (seen?.isComplete) return { model, tokens: seen.tokens, isEstimated: false, upstreamStatus: status };
  const tokens = seen?.tokens ?? noTokens;
  // It had the prompt, but did not get to say how long that was.
  const input = seen?.model ? tokens.input : Math.ceil(asked.bytes.length / BYTES_PER_TOKEN);
  return { model, tokens: { ...tokens, input }, isEstimated: true, upstreamStatus: status };
}
