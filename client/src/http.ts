import { backoffMs, wait } from './backoff.ts';
import { GreenroomConnectionError, GreenroomError, readError } from './errors.ts';

export type ClientOptions = {
  /** Where the server is, such as `http://127.0.0.1:8000`. A path in it is kept. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string | undefined;
  /** Sent with every request. */
  headers?: Record<string, string> | undefined;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /** How long one try of a request may take, in milliseconds (60,000). Streams and downloads: until they begin. */
  timeoutMs?: number | undefined;
  /** How often a request is repeated that may be repeated (3). */
  maxRetries?: number | undefined;
};

/** A list is joined by commas; one that is in a `repeat` is sent as a parameter for each. */
export type Query = Record<
  string,
  string | number | boolean | readonly string[] | { repeat: readonly string[] } | null | undefined
>;

/** What each call of the API may be given beside its arguments. */
export type CallOptions = {
  signal?: AbortSignal | undefined;
};

export type CreateOptions = CallOptions & {
  /** Names the request, so that its repetition creates nothing twice. Without it each call gets a random one. */
  idempotencyKey?: string | undefined;
};

/** What a file is written from. */
export type FileContent = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

export type Call = CallOptions & {
  query?: Query | undefined;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: FileContent | undefined;
  headers?: Record<string, string> | undefined;
  /** A status that is an answer here, and no error. */
  accepts?: number | undefined;
};

const MAX_RETRY_AFTER_MS = 60_000;

/** Requests to one server: repeated where that is harmless, with errors as `GreenroomError`s. */
export class Http {
  readonly #options: ClientOptions;
  readonly #wait: typeof wait;

  constructor(options: ClientOptions, parts: { wait?: typeof wait } = {}) {
    this.#options = options;
    this.#wait = parts.wait ?? wait;
  }

  get baseUrl(): string {
    return this.#options.baseUrl.replace(/\/+$/, '');
  }

  get maxRetries(): number {
    return this.#options.maxRetries ?? 3;
  }

  /** The answer's JSON. */
  async json<T>(method: string, path: string, call: Call = {}): Promise<T> {
    return await this.request(method, path, {
      ...call,
      read: async (response) => (await readJson(response)) as T,
    });
  }

  /** The answer's JSON, of a request that creates something: with an `Idempotency-Key`, so that it can be repeated. */
  async create<T>(path: string, json: unknown, options: CreateOptions = {}): Promise<T> {
    const headers = { 'idempotency-key': options.idempotencyKey ?? randomKey() };
    return await this.json('POST', path, { json, headers, signal: options.signal });
  }

  /** What `read` makes of the answer, once it is known to be none of the errors. */
  async request<T>(
    method: string,
    path: string,
    call: Call & { read: (response: Response) => Promise<T> },
  ): Promise<T> {
    const isRepeatable =
      method === 'GET' || method === 'HEAD' || call.headers?.['idempotency-key'] !== undefined;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#try(method, path, call);
      } catch (error) {
        if (!isRepeatable || attempt >= this.maxRetries || !isPassing(error)) throw error;
        const retryAfterMs = error instanceof GreenroomError ? (error.retryAfterMs ?? null) : null;
        await this.#wait(backoffMs(attempt, { retryAfterMs }), call.signal);
      }
    }
  }

  async #try<T>(
    method: string,
    path: string,
    call: Call & { read: (response: Response) => Promise<T> },
  ): Promise<T> {
    const { timeoutMs = 60_000 } = this.#options;
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new GreenroomConnectionError(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const signal = call.signal ? AbortSignal.any([call.signal, timeout.signal]) : timeout.signal;
    try {
      const response = await this.open(method, path, { ...call, signal });
      return await call.read(response);
    } catch (error) {
      // Whoever aborts gets their own reason back.
      call.signal?.throwIfAborted();
      timeout.signal.throwIfAborted();
      throw error instanceof GreenroomError ? error : connectionError(error, this.baseUrl);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a request once; resolves with the beginning of its answer, unless that is an error. */
  async open(method: string, path: string, call: Call = {}): Promise<Response> {
    const { apiKey, headers, fetch: send = fetch } = this.#options;
    const hasJson = call.json !== undefined;
    const response = await send(this.url(path, call.query), {
      method,
      headers: {
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        ...(hasJson ? { 'content-type': 'application/json' } : {}),
        ...headers,
        ...call.headers,
      },
      ...(hasJson ? { body: JSON.stringify(call.json) } : {}),
      ...(call.body === undefined ? {} : { body: call.body, duplex: 'half' }),
      ...(call.signal ? { signal: call.signal } : {}),
    } as RequestInit);
    if (!response.ok && response.status !== call.accepts) throw await readError(response);
    return response;
  }

  url(path: string, query: Query = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === null) continue;
      if (typeof value === 'object' && 'repeat' in value) {
        for (const one of value.repeat) parameters.append(name, one);
      } else parameters.set(name, Array.isArray(value) ? value.join(',') : String(value));
    }
    const text = parameters.toString();
    return `${this.baseUrl}${path}${text === '' ? '' : `?${text}`}`;
  }
}

/** What says that all is well and is no JSON came from something else: a page of a proxy, or of a hotel. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    const type = response.headers.get('content-type') ?? 'nothing';
    const detail = `expected JSON and got ${type}`;
    throw new GreenroomError({ status: response.status, code: 'unexpected_answer', detail });
  }
}

/** Whether the same request may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  if (error instanceof GreenroomConnectionError) return true;
  if (!(error instanceof GreenroomError) || (error.retryAfterMs ?? 0) > MAX_RETRY_AFTER_MS) return false;
  return error.code === 'idempotency_in_flight' || [429, 502, 503, 504].includes(error.status);
}

export function connectionError(cause: unknown, baseUrl: string): GreenroomConnectionError {
  const reasons = [cause, cause instanceof Error ? cause.cause : null].flatMap((error) =>
    error instanceof Error && error.message !== '' ? [error.message] : [],
  );
  return new GreenroomConnectionError(`cannot reach ${baseUrl || 'the server'}: ${reasons.join(': ')}`, {
    cause,
  });
}

// NOTE: not crypto.randomUUID, which browsers have only for pages from https and localhost.
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A path whose values become one segment each. */
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: parts }, ...values.map(toSegment));
}

/** A path below a resource: the segments between its slashes, each encoded. */
export function toSegments(path: string): string {
  return path.replace(/^\/+/, '').split('/').map(toSegment).join('/');
}

// Without a name, or with one that URLs take for a way up, it would be the path of something else.
function toSegment(value: string): string {
  if (value === '' || value === '.' || value === '..') throw new TypeError(`"${value}" names nothing`);
  return encodeURIComponent(value);
}
