import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import {
  createServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../log.ts';
import type { Upstream } from './upstream.ts';

/** Whom the gateway lets in: one activation of a session. */
export type GatewayClient = {
  tenantId: string;
  sessionId: string;
  fence: number;
  /**
   * Where the gateway listens for this one alone: whoever reaches the socket is the session. Null: it comes to the
   * gateway's address on loopback, and proves itself by a token.
   */
  socketPath: string | null;
};

/** What an activation needs to reach the model; `revoke` ends its access and its requests under way. */
export type GatewayAccess = {
  /** With a socket, only the path and the host of it mean something. */
  url: string;
  /** Worth nothing elsewhere, and nothing after `revoke`. With a socket, a placeholder. */
  token: string;
  socketPath: string | null;
  /** When the model last sent a byte, as `performance.now()`. */
  readonly lastByteAt: number;
  revoke(): void;
};

type Client = GatewayClient & { abort: AbortController; lastByteAt: number };

const MAX_BODY_BYTES = 40 * 1024 * 1024;
const DEFAULT_STREAM_IDLE_MS = 90_000;

/** The only requests that an agent needs. Everything else of the model API (files, batches …) stays out of reach. */
const allowedPaths = new Set(['/v1/messages', '/v1/messages/count_tokens']);

// Of the agent's request: what belongs to the connection or to the agent's own credential. The rest goes through,
// since every `anthropic-*` header that is lost costs a feature.
const droppedRequestHeaders = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'cookie',
  'authorization',
  'x-api-key',
  'accept-encoding',
]);
const droppedResponseHeaders = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'set-cookie',
]);

/**
 * The local proxy between agent processes and the model API, and the only holder of the key. Bodies pass byte for
 * byte in both directions; nothing of them is logged.
 */
export class ModelGateway {
  readonly #upstream: Upstream;
  readonly #logger: Logger;
  readonly #streamIdleMs: number;
  readonly #clients = new Map<string, Client>();
  readonly #server = createServer((request, response) =>
    this.#handle(request, response, this.#clients.get(tokenOf(request))),
  );
  readonly #sockets = new Set<Server>();
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }),
  };
  #url = '';

  /** `streamIdleMs`: a response that is silent for longer is cut, so that the agent asks again. */
  constructor(options: { upstream: Upstream; logger: Logger; streamIdleMs?: number }) {
    this.#upstream = options.upstream;
    this.#logger = options.logger;
    this.#streamIdleMs = options.streamIdleMs ?? DEFAULT_STREAM_IDLE_MS;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets one activation in. */
  async admit(admitted: GatewayClient): Promise<GatewayAccess> {
    const { socketPath } = admitted;
    const abort = new AbortController();
    const client: Client = { ...admitted, abort, lastByteAt: performance.now() };
    const token =
      socketPath === null ? `greenroom-${randomBytes(24).toString('base64url')}` : 'none-is-needed';
    const socket = socketPath === null ? null : await this.#listen(socketPath, client);
    if (socket === null) this.#clients.set(token, client);
    return {
      url: socket === null ? this.#url : 'http://gateway',
      token,
      socketPath,
      get lastByteAt() {
        return client.lastByteAt;
      },
      revoke: () => {
        if (socket === null) this.#clients.delete(token);
        else this.#close(socket);
        abort.abort();
      },
    };
  }

  /** A socket that one client has for itself; one that an earlier activation left there is replaced. */
  async #listen(path: string, client: Client): Promise<Server> {
    await rm(path, { force: true });
    const server = createServer((request, response) => this.#handle(request, response, client));
    server.listen(path);
    await once(server, 'listening');
    this.#sockets.add(server);
    return server;
  }

  #close(socket: Server): void {
    this.#sockets.delete(socket);
    socket.close();
    socket.closeAllConnections();
  }

  #handle(request: IncomingMessage, response: ServerResponse, client: Client | undefined): void {
    const url = new URL(request.url ?? '/', 'http://gateway');
    if (client === undefined) {
      // 403 and not 401: the agent program repeats a 401 for minutes.
      refuse(response, 403, 'permission_error', 'unknown or ended session');
    } else if (request.method !== 'POST' || !allowedPaths.has(url.pathname)) {
      refuse(response, 403, 'permission_error', `${request.method} ${url.pathname} is not open to agents`);
    } else if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
      refuse(response, 413, 'request_too_large', 'the request is larger than 40 MB');
    } else {
      this.#forward(request, response, client, url).catch((error: unknown) => {
        this.#logger.debug({ err: error, session_id: client.sessionId }, 'model request ended early');
        if (!response.headersSent) refuse(response, 502, 'api_error', 'the model API could not be reached');
        else response.destroy();
      });
    }
  }

  async #forward(
    request: IncomingMessage,
    response: ServerResponse,
    client: Client,
    url: URL,
  ): Promise<void> {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, client.abort.signal]);
    // The agent went away (cancelled, killed): the model must not go on writing at somebody's cost.
    response.on('close', () => abort.abort());
    const target = this.#target(url);
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const upstream = send(target, {
      method: 'POST',
      headers: { ...passHeaders(request.headers, droppedRequestHeaders), ...this.#upstream.credentials },
      agent: this.#agents[target.protocol as 'http:' | 'https:'],
      signal,
    });
    // An API may answer before it has read the whole body (413, 429): then its answer counts, not the broken pipe.
    pipeline(limited(request), upstream, { signal }).catch(() => {});
    const [answer] = (await once(upstream, 'response', { signal })) as [IncomingMessage];
    answer.setTimeout(this.#streamIdleMs, () => {
      this.#logger.warn(
        { session_id: client.sessionId, idle_ms: this.#streamIdleMs },
        'cut a silent model stream',
      );
      answer.destroy(new Error('the model stream was silent'));
    });
    response.writeHead(answer.statusCode ?? 502, passHeaders(answer.headers, droppedResponseHeaders));
    response.flushHeaders();
    answer.on('data', () => {
      client.lastByteAt = performance.now();
    });
    await pipeline(answer, response, { signal });
  }

  #target(url: URL): URL {
    const target = new URL(this.#upstream.baseUrl);
    target.pathname = target.pathname.replace(/\/$/, '') + url.pathname;
    target.search = url.search;
    return target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) client.abort.abort();
    this.#clients.clear();
    for (const socket of this.#sockets) this.#close(socket);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

function tokenOf(request: IncomingMessage): string {
  const key = request.headers['x-api-key'];
  if (typeof key === 'string') return key;
  return request.headers.authorization?.replace(/^Bearer /, '') ?? '';
}

function passHeaders(
  headers: IncomingMessage['headers'],
  dropped: ReadonlySet<string>,
): Record<string, string | string[]> {
  const passed = Object.entries(headers).filter(([name, value]) => value !== undefined && !dropped.has(name));
  return Object.fromEntries(passed) as Record<string, string | string[]>;
}

/** A body without a content-length is counted as it comes. */
async function* limited(request: IncomingMessage): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('the request is larger than 40 MB');
    yield chunk;
  }
}

/** An error in the model API's own shape, so that the agent program understands it. */
function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ type: 'error', error: { type, message: `Greenroom: ${message}` } }));
}
