import { type SessionStreamOptions, streamSession } from './events.ts';
import { Files } from './files.ts';
import { type CallOptions, type CreateOptions, type Http, path } from './http.ts';
import { Messages } from './messages.ts';
import { followPages, nextCursor } from './pages.ts';
import {
  type CountFilter,
  readCounts,
  readSummaryPage,
  type SummaryFilter,
  type SummaryPage,
} from './summaries.ts';
import { Tasks } from './tasks.ts';
import type {
  AllRead,
  Cleanup,
  EventKind,
  EventPage,
  ExecuteResponse,
  Fork,
  ForkRequest,
  Grant,
  Interruption,
  MarksRequest,
  Rewind,
  RewindRequest,
  Session,
  SessionCounts,
  SessionEvent,
  SessionListItem,
  SessionMarks,
  SessionStatus,
  SessionSummary,
  SettingsRequest,
  Status,
  StreamEvent,
  Turn,
  WholeTurn,
  WorkspaceChanges,
} from './types.ts';

export type TurnQuery = {
  /** Those behind the turn of this number: after it, or with `order: 'desc'` before it. */
  after?: number | undefined;
  order?: 'asc' | 'desc' | undefined;
  pageSize?: number | undefined;
};

export type StatusQuery = {
  /** Messages behind this `seq` of the log, oldest first; without it the newest that fit into 8 MB. */
  after?: number | undefined;
  /** At most so many messages. */
  limit?: number | undefined;
};

export type EventQuery = {
  /** Only events with a larger `seq`. */
  after?: number | undefined;
  /** Only events with a smaller `seq`. */
  before?: number | undefined;
  order?: 'asc' | 'desc' | undefined;
  kinds?: readonly EventKind[] | undefined;
  /** At most so many (100). */
  limit?: number | undefined;
};

/** What there is, and what can be done with it. */
export class Sessions {
  readonly #http: Http;
  readonly messages: Messages;
  readonly files: Files;
  readonly tasks: Tasks;

  constructor(http: Http) {
    this.#http = http;
    this.messages = new Messages(http);
    this.files = new Files(http);
    this.tasks = new Tasks(http);
  }

  /** Newest first. Reads further pages as the loop gets to them. */
  list(
    filter: { status?: SessionStatus | undefined; pageSize?: number | undefined } = {},
    options: CallOptions = {},
  ): AsyncGenerator<SessionListItem, void> {
    const { status, pageSize: limit } = filter;
    return followPages<SessionListItem, string>(
      async (cursor) =>
        await this.#http.request('GET', '/sessions', {
          query: { status, limit, cursor },
          ...options,
          read: async (response) => ({
            items: (await response.json()) as SessionListItem[],
            next: nextCursor(response.headers.get('link')),
          }),
        }),
    );
  }

  /** How sessions stand, newest first. Reads further pages as the loop gets to them. */
  summaries(filter: SummaryFilter = {}, options: CallOptions = {}): AsyncGenerator<SessionSummary, void> {
    return followPages<SessionSummary, string>(async (cursor) => {
      const page = await this.summaryPage(cursor === null ? filter : { ...filter, cursor }, options);
      return { items: page.summaries, next: page.next };
    });
  }

  /** One page of them. `next` is the `cursor` of the one that follows; a page may be short, or empty, and not be the last. */
  async summaryPage(filter: SummaryFilter = {}, options: CallOptions = {}): Promise<SummaryPage> {
    return await readSummaryPage(this.#http, filter, options);
  }

  /** How many there are in each state. */
  async counts(filter: CountFilter = {}, options: CallOptions = {}): Promise<SessionCounts> {
    return await readCounts(this.#http, filter, options);
  }

  /** Notes how far the session has been read, or pins it; for the holder of this key alone. */
  async mark(sessionId: string, marks: MarksRequest, options: CallOptions = {}): Promise<SessionMarks> {
    return await this.#http.json('PATCH', path`/sessions/${sessionId}/marks`, { json: marks, ...options });
  }

  /** Notes that everything that has ended was read. */
  async readAll(options: CallOptions = {}): Promise<AllRead> {
    return await this.#http.json('POST', '/sessions/read-all', options);
  }

  /** With its latest turns; `turns` has them all. */
  async get(sessionId: string, options: CallOptions = {}): Promise<Session> {
    return await this.#http.json('GET', path`/sessions/${sessionId}`, options);
  }

  /**
   * Status, messages and result, as the classic API shows them. Of very long sessions it has the newest messages and
   * says how many it left out (`messages_omitted`); `after: 0`, then `next_after` of each answer, leads through all.
   */
  async status(sessionId: string, query: StatusQuery = {}, options: CallOptions = {}): Promise<Status> {
    return await this.#http.json('GET', path`/status/${sessionId}`, { query, ...options });
  }

  /** Turns by number. Reads further pages as the loop gets to them. */
  turns(sessionId: string, query: TurnQuery = {}, options: CallOptions = {}): AsyncGenerator<Turn, void> {
    const { pageSize: limit, order } = query;
    return followPages<Turn, number>(async (cursor) => {
      const url = path`/sessions/${sessionId}/turns`;
      const page = await this.#http.json<{ turns: Turn[]; next: number | null }>('GET', url, {
        query: { limit, order, after: cursor ?? query.after },
        ...options,
      });
      return { items: page.turns, next: page.next };
    });
  }

  /** One turn, with the images of its prompt. */
  async turn(sessionId: string, turnId: string, options: CallOptions = {}): Promise<WholeTurn> {
    return await this.#http.json('GET', path`/sessions/${sessionId}/turns/${turnId}`, options);
  }

  /** An image of the prompt of a turn, whole; the first is 1. */
  async image(
    sessionId: string,
    turnId: string,
    number: number,
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    const read = async (response: Response): Promise<Uint8Array> =>
      new Uint8Array(await response.arrayBuffer());
    const url = path`/sessions/${sessionId}/turns/${turnId}/images/${String(number)}`;
    return await this.#http.request('GET', url, { ...options, read });
  }

  /** One page of the events that are there; `has_more` when they go on. */
  async events(sessionId: string, query: EventQuery = {}, options: CallOptions = {}): Promise<EventPage> {
    return await this.#http.json('GET', path`/sessions/${sessionId}/events`, { query, ...options });
  }

  /** One event, whole. */
  async event(sessionId: string, seq: number, options: CallOptions = {}): Promise<SessionEvent> {
    return await this.#http.json('GET', path`/sessions/${sessionId}/events/${String(seq)}`, options);
  }

  /**
   * The session's events, those that are there and those that come, each once and in order. Connects again by itself
   * and goes on where it was. Ends when the session is deleted or the signal aborts.
   */
  stream(sessionId: string, options: SessionStreamOptions = {}): AsyncGenerator<StreamEvent, void> {
    return streamSession(this.#http, sessionId, options);
  }

  /** Changes settings, or archives; model and permission mode reach an agent that is at work. */
  async update(sessionId: string, settings: SettingsRequest, options: CallOptions = {}): Promise<Session> {
    return await this.#http.json('PATCH', path`/sessions/${sessionId}`, { json: settings, ...options });
  }

  /** Stops the running turn and keeps the session. What waits runs next, unless it is discarded. */
  async interrupt(
    sessionId: string,
    query: { queued?: 'keep' | 'discard' } = {},
    options: CallOptions = {},
  ): Promise<Interruption> {
    return await this.#http.json('POST', path`/sessions/${sessionId}/interrupt`, { query, ...options });
  }

  /** A new session that begins as a copy of this one, up to the event `at` or whole; with a prompt it begins to work. */
  async fork(sessionId: string, request: ForkRequest = {}, options: CreateOptions = {}): Promise<Fork> {
    return await this.#http.create(path`/sessions/${sessionId}/fork`, request, options);
  }

  /** What the session changed in its workspace: since its start, or `from` a turn (its id, or `last`). */
  async changes(
    sessionId: string,
    query: { from?: string; path?: string; context?: number } = {},
    options: CallOptions = {},
  ): Promise<WorkspaceChanges> {
    const url = path`/sessions/${sessionId}/changes`;
    return await this.#http.json('GET', url, { query: { ...query, format: 'json' }, ...options });
  }

  /** Takes back what an approval allowed for the rest of the session (`grants` of the session). */
  async removeGrant(sessionId: string, grantId: string, options: CallOptions = {}): Promise<Grant> {
    return await this.#http.json('DELETE', path`/sessions/${sessionId}/grants/${grantId}`, options);
  }

  /** Makes the files what they were when a turn began, or at the `start`. */
  async rewind(sessionId: string, request: RewindRequest, options: CallOptions = {}): Promise<Rewind> {
    return await this.#http.json('POST', path`/sessions/${sessionId}/rewind`, { json: request, ...options });
  }

  /** Ends what runs and what waits. */
  async cancel(sessionId: string, options: CallOptions = {}): Promise<ExecuteResponse> {
    return await this.#http.json('POST', path`/cancel/${sessionId}`, options);
  }

  /** Deletes a session that does not run, with what waits in it. */
  async delete(sessionId: string, options: CallOptions = {}): Promise<ExecuteResponse> {
    return await this.#http.json('DELETE', path`/sessions/${sessionId}`, options);
  }

  /** Deletes sessions that ended long ago: more than `max_age_hours` (24); 0 is every ended one. */
  async cleanup(query: { max_age_hours?: number } = {}, options: CallOptions = {}): Promise<Cleanup> {
    return await this.#http.json('DELETE', '/sessions/cleanup', { query, ...options });
  }
}
