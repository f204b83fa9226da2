import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FIRST_BYTE_MS } from '../../ground/config/upstreams.ts';
import type { Logger } from '../../ground/log.ts';
import { noProxies, type ProxySettings } from '../../ground/util/outgoing-proxy.ts';
import type { Accounts } from './accounts.ts';
import { Forwarder } from './forwarder.ts';
import { Refusal, refuse, tokenOf } from './headers.ts';
import { Meter } from './meter.ts';
import { announcedLength, type OutlinedRequest, readModelRequest } from './model-request.ts';
import { OutgoingConnections } from './outgoing.ts';
import { extentOf, requireAllowed } from './request-policy.ts';
import { AgentRoom, DEFAULT_MEMORY, type RequestLimits, Room, requestLimits } from './request-room.ts';
import { type ModelUpstream, type Upstream, upstreamFor } from './upstream.ts';
import { UpstreamLog } from './upstream-log.ts';

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
  /** What the session may connect to, and so the model API for it; null where nothing holds the agent back. */
  allowedHosts: readonly string[] | null;
  /**
   * Asked about each request of the main agent for an answer of the model: it is passed on when this resolves, at once where it
   * returns nothing. Aborted when nobody waits for the answer any more.
   */
  beforeRequest?: (signal: AbortSignal) => Promise<void> | undefined;
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
  /** Why its latest request was refused, when a budget is spent; else null. */
  readonly spentBudget: string | null;
  revoke(): void;
};

type Client = GatewayClient & {
  lastByteAt: number;
  spentBudget: string | null;
  room: AgentRoom;
};

export type GatewayOptions = {
  upstream: Upstream;
  /** Asked instead of it for the models that they name. */
  upstreams?: readonly ModelUpstream[];
  accounts: Accounts;
  logger: Logger;
  /** Patterns of model names; none allows all. */
  allowedModels?: readonly string[];
  /** What leads out of this network. */
  proxies?: ProxySettings;
  /** How long an answer may take to begin. Milliseconds. */
  firstByteMs?: number;
  /** What one agent may take up. */
  limits?: Partial<RequestLimits>;
  /** Bytes that bodies of all agents may take up at once. */
  memory?: number;
};

const MESSAGES = '/v1/messages';
/** In what a subagent asks; not documented: agent-sdk.test.ts. */
const SUBAGENT_HEADER = 'x-claude-code-agent-id';
/** A body that is read only once it is known that no budget is spent. */
const LARGE_BODY_BYTES = 1024 * 1024;
/** The only requests that an agent needs. Everything else of the model API (files, batches …) stays out of reach. */
const allowedPaths = new Set([MESSAGES, '/v1/messages/count_tokens']);

/**
 * The local proxy between agent processes and the model API, and the only holder of the key. Bodies pass byte for
 * byte in both directions; nothing of them is logged. A request is made only when its activation is the session's
 * newest and its budgets allow it; what it used is written down.
 */
export class ModelGateway {
  readonly #options: GatewayOptions;
  readonly #connections: OutgoingConnections;
  readonly #log: UpstreamLog;
  readonly #forwarder: Forwarder;
  readonly #clients = new Map<string, Client>();
  readonly #limits: RequestLimits;
  readonly #memory: Room;
  readonly #server: Server;
  readonly #sockets = new Set<Server>();
  /** Requests, each with whose it is and its answer. */
  readonly #underWay = new Map<Promise<void>, { client: Client | undefined; response: ServerResponse }>();
  #url = '';

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { logger, proxies = noProxies, firstByteMs = FIRST_BYTE_MS } = options;
    this.#limits = { ...requestLimits, ...options.limits };
    this.#memory = new Room(options.memory ?? DEFAULT_MEMORY);
    this.#server = this.#createServer((request) => this.#clients.get(tokenOf(request)));
    this.#connections = new OutgoingConnections(proxies);
    this.#log = new UpstreamLog(logger, this.#connections);
    this.#forwarder = new Forwarder({ connections: this.#connections, log: this.#log, firstByteMs });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Lets one activation in. */
  async admit(admitted: GatewayClient): Promise<GatewayAccess> {
    const { socketPath } = admitted;
    const room = new AgentRoom(this.#limits, this.#memory);
    const client: Client = { ...admitted, lastByteAt: performance.now(), spentBudget: null, room };
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
      get spentBudget() {
        return client.spentBudget;
      },
      revoke: () => {
        if (socket === null) this.#clients.delete(token);
        else this.#close(socket);
        this.#revoke(client);
      },
    };
  }

  /** When all that a session's requests have used until now is written down. */
  async settled(sessionId: string): Promise<void> {
    const ending = [...this.#underWay].filter(([, { client, response }]) => {
      return client?.sessionId === sessionId && response.destroyed;
    });
    await Promise.all(ending.map(([work]) => work));
    await this.#options.accounts.settled(sessionId);
  }

  /** A socket that one client has for itself; one that an earlier activation left there is replaced. */
  async #listen(path: string, client: Client): Promise<Server> {
    await rm(path, { force: true });
    const server = this.#createServer(() => client);
    server.maxConnections = this.#limits.connections;
    // Its directory says who comes in: the agent may be another user than the server.
    server.listen({ path, readableAll: true, writableAll: true });
    await once(server, 'listening');
    this.#sockets.add(server);
    return server;
  }

  #createServer(clientOf: (request: IncomingMessage) => Client | undefined): Server {
    const { headersMs, patienceMs, bodyMs } = this.#limits;
    const timeouts = { headersTimeout: headersMs, requestTimeout: headersMs + patienceMs + bodyMs };
    return createServer({ ...timeouts, connectionsCheckingInterval: headersMs }, (request, response) =>
      this.#handle(request, response, clientOf(request)),
    );
  }

  #close(socket: Server): void {
    this.#sockets.delete(socket);
    socket.close();
    socket.closeAllConnections();
  }

  #revoke(client: Client): void {
    for (const other of this.#underWay.values()) if (other.client === client) other.response.destroy();
  }

  #handle(request: IncomingMessage, response: ServerResponse, client: Client | undefined): void {
    const work = this.#serve(request, response, client).catch((error: unknown) => {
      if (error instanceof Refusal && !response.headersSent) return refuse(response, error);
      this.#options.logger.debug({ err: error, session_id: client?.sessionId }, 'model request ended early');
      if (response.headersSent) response.destroy();
      else refuse(response, new Refusal(500, 'api_error', 'the request could not be passed on'));
    });
    this.#underWay.set(work, { client, response });
    void work.finally(() => this.#underWay.delete(work));
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    client: Client | undefined,
  ): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://gateway');
    if (client === undefined) throw Refusal.forbidden('unknown or ended session');
    if (request.method !== 'POST' || !allowedPaths.has(url.pathname)) {
      throw Refusal.forbidden(`${request.method} ${url.pathname} is not open to agents`);
    }
    const abort = new AbortController();
    const { signal } = abort;
    // The agent went away (cancelled, killed) or lost its access: the model must not go on writing at somebody's cost.
    response.on('close', () => {
      if (!response.writableFinished) abort.abort();
    });
    const isCharged = url.pathname === MESSAGES;
    if (isCharged && request.headers[SUBAGENT_HEADER] === undefined) await client.beforeRequest?.(signal);
    const length = announcedLength(request);
    using _room = await client.room.take(length, signal);
    if (!isCharged || client.spentBudget !== null || length > LARGE_BODY_BYTES) {
      await this.#requireStanding(client);
    }
    const asked = await readModelRequest(request, { length, patienceMs: this.#limits.bodyMs });
    const { allowedModels = [] } = this.#options;
    const { sessionId, allowedHosts } = client;
    requireAllowed(asked, { allowedModels, allowedHosts });
    const upstream = upstreamFor(asked.model, { upstreams: [], ...this.#options });
    const onByte = (): void => {
      client.lastByteAt = performance.now();
    };
    const forwarding = { request, response, url, asked, upstream, signal, onByte };
    if (!isCharged) return await this.#forwarder.forward(forwarding, null);
    const requestId = await this.#admitRequest(client, asked, signal);
    onByte();
    const meter = new Meter(asked, {
      onUsed: (used) => this.#options.accounts.settle({ sessionId, requestId }, used),
      onUnsaid: () => this.#log.unsaid(upstream),
    });
    await this.#forwarder.forward(forwarding, meter);
  }

  /** Before the body is read, where that is worth asking. */
  async #requireStanding(client: Client): Promise<void> {
    const standing = await this.#options.accounts.standing(client);
    client.spentBudget = standing.verdict === 'exceeded' ? standing.message : null;
    if (standing.verdict === 'stale') throw stale();
    if (standing.verdict === 'exceeded') throw spent(standing.message);
  }

  /** @returns the id under which what it used is to be settled */
  async #admitRequest(client: Client, asked: OutlinedRequest, signal: AbortSignal): Promise<string> {
    const { sessionId, fence } = client;
    const request = { sessionId, fence, model: asked.model, extent: extentOf(asked) };
    const admission = await this.#options.accounts.admit(request, signal);
    client.spentBudget = admission.verdict === 'exceeded' ? admission.message : null;
    switch (admission.verdict) {
      case 'admitted':
        return admission.requestId;
      case 'stale':
        throw stale();
      case 'exceeded':
        throw spent(admission.message);
      case 'busy':
        throw new Refusal(429, 'rate_limit_error', 'other requests may use the budget up', 5);
    }
    return admission satisfies never;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) this.#revoke(client);
    this.#clients.clear();
    for (const socket of this.#sockets) this.#close(socket);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await Promise.all(this.#underWay.keys());
    await this.#connections[Symbol.asyncDispose]();
  }
}

function spent(message: string): Refusal {
  return new Refusal(402, 'billing_error', message);
}

function stale(): Refusal {
  return Refusal.forbidden('the session is active elsewhere, or gone');
}
