import { ApiKeys } from './api-keys.ts';
import { Approvals } from './approvals.ts';
import { type AuditFilter, listAudit } from './audit.ts';
import { type EventsOptions, streamMany } from './events.ts';
import { type CallOptions, type ClientOptions, type CreateOptions, Http } from './http.ts';
import { Presets } from './presets.ts';
import { Run, type RunOptions } from './run.ts';
import { Sessions } from './sessions.ts';
import type {
  AuditEntry,
  ExecuteRequest,
  ExecuteResponse,
  Me,
  MultiplexedEvent,
  Readiness,
  SignIn,
  StreamTicket,
  UsageReport,
  Versions,
} from './types.ts';
import { Budgets, reportUsage, type UsageFilter } from './usage.ts';

/** A Greenroom server. Holds no connection and nothing to close. */
export class GreenroomClient {
  readonly #http: Http;
  readonly sessions: Sessions;
  readonly approvals: Approvals;
  readonly presets: Presets;
  readonly apiKeys: ApiKeys;
  readonly budgets: Budgets;

  constructor(options: ClientOptions) {
    this.#http = new Http(options);
    this.sessions = new Sessions(this.#http);
    this.approvals = new Approvals(this.#http);
    this.presets = new Presets(this.#http);
    this.apiKeys = new ApiKeys(this.#http);
    this.budgets = new Budgets(this.#http);
  }

  /** Starts a session, or resumes one (`resume_session_id`). When this resolves the prompt is on the server's disk. */
  async execute(request: ExecuteRequest, options: CreateOptions = {}): Promise<ExecuteResponse> {
    return await this.#http.create('/execute', request, options);
  }

  /** Throws what `execute` would throw, but for a lack of room; starts nothing. */
  async validate(request: ExecuteRequest, options: CallOptions = {}): Promise<{ valid: true }> {
    return await this.#http.json('POST', '/execute/validate', { json: request, ...options });
  }

  /** Starts a session, or resumes one, and follows that turn to its end. */
  run(request: ExecuteRequest, options: RunOptions = {}): Run {
    return new Run(this, request, options);
  }

  /**
   * One stream over many sessions: first a `summary` of each, then `ready`, later a `summary` whenever one changes; and
   * the events of those that are named. Connects again by itself; it then begins with the summaries once more.
   */
  events(options: EventsOptions = {}): AsyncGenerator<MultiplexedEvent, void> {
    return streamMany(this.#http, options);
  }

  /** For one connection of an `EventSource`, which can send no key: `?ticket=`, once, within 30 s. */
  async streamTicket(sessionId: string | null = null, options: CallOptions = {}): Promise<StreamTicket> {
    const json = sessionId === null ? {} : { session_id: sessionId };
    return await this.#http.json('POST', '/stream-tickets', { json, ...options });
  }

  /**
   * For pages of the server itself, in a browser: exchanges an API key, or the code of a link, for a cookie that goes with
   * every request of theirs and that no script can read. The client needs no `apiKey` then.
   */
  async signIn(request: SignIn, options: CallOptions = {}): Promise<Me> {
    const json = 'apiKey' in request ? { api_key: request.apiKey } : { code: request.code };
    return await this.#http.json('POST', '/sign-in', { json, ...options });
  }

  /** Ends the sign-in of this browser, or every one of the same API key. Done as well where nobody is signed in. */
  async signOut({ everywhere, ...options }: CallOptions & { everywhere?: boolean } = {}): Promise<void> {
    const call = { query: { everywhere }, accepts: 401, ...options };
    await this.#http.request('POST', '/sign-out', {
      ...call,
      read: async (response) => void (await response.text()),
    });
  }

  /** Who asks, what they may, and what the server offers them. */
  async me(options: CallOptions = {}): Promise<Me> {
    return await this.#http.json('GET', '/me', options);
  }

  /** Who did what, newest first; for administrators. Reads further pages as the loop gets to them. */
  audit(
    filter: AuditFilter & { pageSize?: number } = {},
    options: CallOptions = {},
  ): AsyncGenerator<AuditEntry, void> {
    return listAudit(this.#http, filter, options);
  }

  /** What model requests used and cost, by day unless told otherwise. */
  async usage(filter: UsageFilter = {}, options: CallOptions = {}): Promise<UsageReport> {
    return await reportUsage(this.#http, filter, options);
  }

  /** Whether the process is alive. */
  async health(options: CallOptions = {}): Promise<{ status: 'ok' }> {
    return await this.#http.json('GET', '/healthz', options);
  }

  /** Whether the server can take work, and if not, why. */
  async readiness(options: CallOptions = {}): Promise<Readiness> {
    return await this.#http.json('GET', '/readyz', { ...options, accepts: 503 });
  }

  async version(options: CallOptions = {}): Promise<Versions> {
    return await this.#http.json('GET', '/version', options);
  }
}
