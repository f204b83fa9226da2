import { Approvals } from './approvals.ts';
import { type EventsOptions, streamMany } from './events.ts';
import { type CallOptions, type ClientOptions, type CreateOptions, Http } from './http.ts';
import { Run, type RunOptions } from './run.ts';
import { Sessions } from './sessions.ts';
import type { ExecuteRequest, ExecuteResponse, MultiplexedEvent, Readiness, Versions } from './types.ts';

/** A Greenroom server. Holds no connection and nothing to close. */
export class GreenroomClient {
  readonly #http: Http;
  readonly sessions: Sessions;
  readonly approvals: Approvals;

  constructor(options: ClientOptions) {
    this.#http = new Http(options);
    this.sessions = new Sessions(this.#http);
    this.approvals = new Approvals(this.#http);
  }

  /** Starts a session, or resumes one (`resume_session_id`). When this resolves the prompt is on the server's disk. */
  async execute(request: ExecuteRequest, options: CreateOptions = {}): Promise<ExecuteResponse> {
    return await this.#http.create('/execute', request, options);
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
