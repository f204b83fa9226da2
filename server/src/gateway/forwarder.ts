import { addAbortListener, once } from 'node:events';
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
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

/** Passes requests on to model APIs and answers back, byte for byte. */
export class Forwarder {
  readonly #logger: Logger;
  readonly #streamIdleMs: number;
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }),
  };

  constructor(logger: Logger, streamIdleMs: number) {
    this.#logger = logger;
    this.#streamIdleMs = streamIdleMs;
  }

  /** Throws when the answer did not reach its end; `onUsed` is told in any case, once. */
  async forward(forwarding: Forwarding, onUsed: (used: Used | SettledFree) => void): Promise<void> {
    const { response, signal, asked } = forwarding;
    if (signal.aborted) return onUsed({ isFree: true, model: asked.model, upstreamStatus: null });
    let answer: IncomingMessage | null = null;
    let tap: UsageTap | null = null;
    let isTold = false;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      onUsed(usedBy(asked, { status: answer?.statusCode ?? null, tap, isAborted: signal.aborted }));
    };
    try {
      const found = await this.#ask(forwarding);
      answer = found;
      // Node ends only the request: an answer that has come whole, and was not read, would wait for its end for ever.
      using _ = addAbortListener(signal, () => void found.destroy(new Error('nobody reads the answer')));
      tap = new UsageTap(answer.headers['content-type']);
      this.#cutWhenSilent(answer, forwarding.sessionId);
      response.writeHead(answer.statusCode ?? 502, responseHeaders(answer));
      response.flushHeaders();
      const { onByte } = forwarding;
      answer.on('data', (chunk: Buffer) => {
        onByte();
        // Before the agent has the last word: it may end its turn on that.
        if (tap?.observe(chunk)) tell();
      });
      await pipeline(answer, response, { signal });
    } finally {
      tell();
    }
  }

  async #ask({ request, url, asked, upstream, signal }: Forwarding): Promise<IncomingMessage> {
    const target = new URL(upstream.baseUrl);
    target.pathname = target.pathname.replace(/\/$/, '') + url.pathname;
    target.search = url.search;
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const sent = send(target, {
      method: 'POST',
      headers: {
        ...requestHeaders(request),
        ...upstream.credentials,
        'content-length': String(asked.bytes.length),
      },
      agent: this.#agents[target.protocol as 'http:' | 'https:'],
      signal,
    });
    // Before the answer `once` tells of it; and an API may answer before it has read the whole body (413, 429): then its
    // answer counts, not the broken pipe.
    sent.on('error', () => {});
    sent.end(asked.bytes);
    const [answer] = (await once(sent, 'response', { signal })) as [IncomingMessage];
    return answer;
  }

  #cutWhenSilent(answer: IncomingMessage, sessionId: string): void {
    answer.setTimeout(this.#streamIdleMs, () => {
      this.#logger.warn({ session_id: sessionId, idle_ms: this.#streamIdleMs }, 'cut a silent model stream');
      answer.destroy(new Error('the model stream was silent'));
    });
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
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
