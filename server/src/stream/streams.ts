import type { ServerResponse } from 'node:http';
import type { Kysely } from 'kysely';
import pLimit from 'p-limit';
import type { Database } from '../ground/db/database.ts';
import { retryWhileUnavailable } from '../ground/db/retry.ts';
import type { Logger } from '../ground/log.ts';
import { Slots } from '../ground/util/slots.ts';
import type { EventBus, Signal } from '../session/event/bus.ts';
import type { LogRange } from '../session/event/event.ts';
import {
  type EventPage,
  type EventQuery,
  findEventPage,
  findLastSeqs,
  findLogRange,
} from '../session/event/store.ts';
import type { SessionKey } from '../session/store.ts';
import { SessionChannel } from './channel.ts';
import { StreamConnection } from './connection.ts';
import type { Cursor } from './cursor.ts';
import { startAt } from './cursor.ts';
import { endData, resetData, type Selection, sessionFormat, sseFrame } from './frames.ts';
import { type MultiplexedRequest, MultiplexedStream } from './multiplexed.ts';
import { Subscription } from './subscription.ts';
import { SummaryFeed } from './summary-feed.ts';

export type StreamTimes = {
  /** A client that does not read is cut off after it. Milliseconds, as all here. */
  patienceMs: number;
  heartbeatMs: number;
  /** How often the tables are asked for what no signal told. */
  sweepMs: number;
};

const DEFAULT_TIMES: StreamTimes = { patienceMs: 60_000, heartbeatMs: 15_000, sweepMs: 2_000 };
/** Streams that catch up must not take all the connections of the pool. */
const READS_AT_A_TIME = 4;
/** What streams that catch up hold of the memory, beyond the buffer of each. */
const LARGE_PAGES_AT_A_TIME = 16;

export type SessionStreamRequest = {
  key: SessionKey;
  range: LogRange;
  cursor: Cursor;
  selection: Selection;
  headers: object;
};

/**
 * The event streams of this node: one channel per session that somebody follows, one connection per client. Listens to
 * the bus once for all of them.
 */
export class EventStreams {
  readonly #db: Kysely<Database>;
  readonly #bus: EventBus;
  readonly #logger: Logger;
  readonly #times: StreamTimes;
  readonly #channels = new Map<string, SessionChannel>();
  readonly #connections = new Set<StreamConnection>();
  readonly #summaries: SummaryFeed;
  readonly #limitReads = pLimit(READS_AT_A_TIME);
  readonly #holds = new Slots(LARGE_PAGES_AT_A_TIME);
  readonly #closing = new AbortController();
  readonly #stops: (() => void)[] = [];
  #sweeping: Promise<void> | null = null;

  constructor(options: {
    db: Kysely<Database>;
    bus: EventBus;
    logger: Logger;
    times?: Partial<StreamTimes> | undefined;
  }) {
    this.#db = options.db;
    this.#bus = options.bus;
    this.#logger = options.logger;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    this.#summaries = new SummaryFeed({ db: options.db, onError: (error) => this.#warn(error) });
  }

  start(): void {
    const heartbeat = setInterval(() => this.#beat(), this.#times.heartbeatMs).unref();
    const sweep = setInterval(() => this.#startSweep(), this.#times.sweepMs).unref();
    this.#stops.push(
      this.#bus.listen((signal) => this.#receive(signal)),
      this.#bus.onConnected(() => {
        this.#startSweep();
        this.#summaries.startOver();
      }),
      () => clearInterval(heartbeat),
      () => clearInterval(sweep),
    );
  }

  /** For operators and tests: what is open at the moment. */
  get counts(): { connections: number; channels: number; followers: number; live: number; buffered: number } {
    const channels = [...this.#channels.values()];
    const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
    return {
      connections: this.#connections.size,
      channels: channels.length,
      followers: sum(channels.map((channel) => channel.followerCount)),
      live: sum(channels.map((channel) => channel.liveCount)),
      buffered: sum([...this.#connections].map((connection) => connection.bufferedBytes)),
    };
  }

  /** Takes the response over: history after the cursor, then what comes, until the client or the session is gone. */
  followSession(response: ServerResponse, request: SessionStreamRequest): void {
    const { key, range, selection } = request;
    const connection = this.#open(response, request.headers);
    const { after, reset } = startAt(request.cursor, range);
    if (reset !== null) connection.write(Buffer.from(sseFrame('reset', resetData(reset, range))));
    const subscription = new Subscription({
      channel: this.#channel(key),
      connection,
      after,
      ...selection,
      format: sessionFormat(selection),
      holds: this.#holds,
      onEnd: () => connection.end(sseFrame('end', endData('deleted'))),
      onError: (error) => {
        this.#warn(error);
        connection.destroy();
      },
    });
    connection.onClosed(() => subscription.stop());
  }

  /** The same for many sessions on one connection: how all stand, and the events of those named. */
  followMany(response: ServerResponse, request: MultiplexedRequest & { headers: object }): void {
    const connection = this.#open(response, request.headers);
    const stream = new MultiplexedStream(request, {
      connection,
      summaries: this.#summaries,
      channel: (key) => this.#channel(key),
      holds: this.#holds,
      findRange: async (key) => await this.#read(() => findLogRange(this.#db, key)),
      onError: (error) => this.#warn(error),
    });
    this.#summaries.add(stream);
    connection.onClosed(() => {
      this.#summaries.remove(stream);
      stream.stop();
    });
  }

  #open(response: ServerResponse, headers: object): StreamConnection {
    const connection = new StreamConnection(response, { headers, patienceMs: this.#times.patienceMs });
    this.#connections.add(connection);
    connection.onClosed(() => this.#connections.delete(connection));
    if (this.#closing.signal.aborted) connection.end();
    return connection;
  }

  #channel(key: SessionKey): SessionChannel {
    const known = this.#channels.get(key.id);
    if (known !== undefined) return known;
    const channel = new SessionChannel(key, {
      findPage: async (query) => await this.#findPage(query),
      onError: (error) => this.#warn(error),
      onEmpty: () => this.#channels.delete(key.id),
    });
    this.#channels.set(key.id, channel);
    return channel;
  }

  async #findPage(query: EventQuery): Promise<EventPage> {
    return await this.#read(() => findEventPage(this.#db, query));
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    return await this.#limitReads(() => retryWhileUnavailable(read, this.#closing.signal));
  }

  #receive(signal: Signal): void {
    switch (signal.type) {
      case 'events':
        this.#channels.get(signal.sessionId)?.notice(signal);
        this.#summaries.notice(signal.sessionId);
        break;
      case 'delta':
        this.#channels.get(signal.sessionId)?.noticeDelta(signal);
        break;
      case 'deleted':
        this.#channels.get(signal.sessionId)?.end();
        this.#summaries.noticeDeleted({ tenantId: signal.tenantId, id: signal.sessionId });
        break;
      case 'all_read':
        this.#summaries.startOver({ tenantId: signal.tenantId, name: signal.reader });
        break;
      case 'work':
      case 'api_key':
        break;
      default:
        this.#summaries.notice(signal.sessionId);
    }
  }

  #beat(): void {
    for (const connection of this.#connections) connection.heartbeat();
  }

  #startSweep(): void {
    if (this.#channels.size === 0 || this.#sweeping !== null) return;
    this.#sweeping = this.#sweep()
      .catch((error) => this.#warn(error))
      .finally(() => {
        this.#sweeping = null;
      });
  }

  /** Finds events and deletions whose signal was lost. */
  async #sweep(): Promise<void> {
    const channels = [...this.#channels.values()];
    const lastSeqs = await findLastSeqs(
      this.#db,
      channels.map((channel) => channel.key),
    );
    for (const channel of channels) {
      const seq = lastSeqs.get(channel.key.id);
      if (seq === undefined) channel.end();
      else channel.notice({ seq, events: [] });
    }
  }

  #warn(error: unknown): void {
    if (!this.#closing.signal.aborted) this.#logger.warn({ err: error }, 'an event stream could not be read');
  }

  /** Ends all streams; their clients resume at another node, or at this one after a restart. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const stop of this.#stops) stop();
    this.#summaries.stop();
    for (const connection of this.#connections) connection.end();
    await this.#sweeping;
  }
}
