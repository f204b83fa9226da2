import { realpathSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDatabaseClient } from '../server/src/ground/db/client.ts';
import { Notifications } from '../server/src/ground/db/notifications.ts';
import { createSilentLogger } from '../server/src/ground/log.ts';
import { embeddedConnection } from '../server/src/ground/postgres/embedded-postgres.ts';
import { EventBus } from '../server/src/session/event/bus.ts';
import type { StoredEvent } from '../server/src/session/event/event.ts';
import { startChild } from './child.ts';

export type GreenroomSetup = {
  dataDir: string;
  logPath: string;
  path: string;
  prompt: string;
  tokensPerSecond: number;
  /** How long a session stays warm. */
  idleTtl: string;
  /** What agents run inside; the server chooses when it is left out. */
  isolation?: 'bwrap' | 'none';
  signal: AbortSignal;
};

/** Milliseconds from the sending of the request. */
export type TurnTimes = { answered: number; started: number; firstAssistant: number; ended: number };

/** A server in a process of its own, and an observer of what it publishes. */
export type Greenroom = {
  /** One turn; a new session, or a follow-up in `sessionId`. */
  turn(sessionId?: string): Promise<{ sessionId: string; times: TurnTimes }>;
  /** Resolves when the session's agent process has ended, after its idle time. */
  released(sessionId: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const TURN_TIMEOUT_MS = 30_000;

export async function startGreenroom(setup: GreenroomSetup): Promise<Greenroom> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await startChild({
      script: fileURLToPath(import.meta.resolve('../server/start.js')),
      env: {
        PATH: setup.path,
        HOME: setup.dataDir,
        GREENROOM_DATA_DIR: setup.dataDir,
        GREENROOM_PORT: '0',
        GREENROOM_DEMO_TOKENS_PER_SECOND: String(setup.tokensPerSecond),
        GREENROOM_IDLE_TTL: setup.idleTtl,
        GREENROOM_SHUTDOWN_GRACE: '0s',
        GREENROOM_LOG_FORMAT: 'json',
        ...(setup.isolation === undefined ? {} : { GREENROOM_ISOLATION: setup.isolation }),
      },
      logPath: setup.logPath,
      ready: /^ {2}Greenroom \S+ {2}(http:\S+)/,
      signal: setup.signal,
    }),
  );
  const url = server.match[1] ?? '';
  const observer = stack.use(await startObserver(setup.dataDir));
  const resources = stack.move();
  return {
    turn: async (sessionId) => await runTurn({ url, observer, setup, sessionId }),
    released: async (sessionId) => await observer.released(sessionId, setup.signal),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

async function runTurn(run: {
  url: string;
  observer: Observer;
  setup: GreenroomSetup;
  sessionId: string | undefined;
}): Promise<{ sessionId: string; times: TurnTimes }> {
  const { url, observer, setup } = run;
  const signal = AbortSignal.any([setup.signal, AbortSignal.timeout(TURN_TIMEOUT_MS)]);
  const resume = run.sessionId === undefined ? {} : { resume_session_id: run.sessionId };
  const body = JSON.stringify({ prompt: setup.prompt, ...resume });
  observer.reset();
  const sentAt = performance.now();
  const answer = await fetch(`${url}/execute/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal,
  });
  const { session_id: sessionId } = await readAnswer(answer);
  const answered = performance.now() - sentAt;
  if (sessionId === undefined) throw new Error('POST /execute/ named no session');
  const seenAt = await observer.turnEnd(sessionId, signal);
  return {
    sessionId,
    times: {
      answered,
      started: seenAt.started - sentAt,
      firstAssistant: seenAt.firstAssistant - sentAt,
      ended: seenAt.ended - sentAt,
    },
  };
}

async function readAnswer(answer: Response): Promise<{ session_id?: string }> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

type SeenAt = { started: number; firstAssistant: number; ended: number };

type Observer = {
  /** Forgets what was seen, before a turn. */
  reset(): void;
  turnEnd(sessionId: string, signal: AbortSignal): Promise<SeenAt>;
  released(sessionId: string, signal: AbortSignal): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Sees events the way another node of the server does: through the database's notifications, after their commit. It
 * asks the server for nothing while a turn runs, as polling its status would.
 */
async function startObserver(dataDir: string): Promise<Observer> {
  await using stack = new AsyncDisposableStack();
  const target = embeddedConnection(realpathSync(dataDir));
  const logger = createSilentLogger();
  const { db, pool } = stack.use(createDatabaseClient(target, { logger, maxConnections: 1 }));
  const bus = new EventBus(stack.use(new Notifications({ target, pool, logger })));
  await bus.start();
  // Events may come before the request is answered, so before their session is known: all are kept.
  let seen: { event: StoredEvent; at: number }[] = [];
  let changed = Promise.withResolvers<void>();
  bus.listen((signal) => {
    if (signal.type !== 'events') return;
    const at = performance.now();
    seen.push(...signal.events.map((event) => ({ event, at })));
    changed.resolve();
  });
  const resources = stack.move();
  return {
    reset: () => {
      seen = [];
    },
    turnEnd: async (sessionId, signal) => {
      const aborted = Promise.withResolvers<never>();
      const onAbort = (): void => aborted.reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        while (true) {
          signal.throwIfAborted();
          changed = Promise.withResolvers();
          const found = findTurn(seen.filter(({ event }) => event.sessionId === sessionId));
          if (found !== null) return found;
          await Promise.race([changed.promise, aborted.promise]);
        }
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    released: async (sessionId, stop) => {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(TURN_TIMEOUT_MS)]);
      const isHeld = async (): Promise<boolean> => {
        const query = db.selectFrom('sessions').select('worker_id').where('id', '=', sessionId);
        return (await query.executeTakeFirstOrThrow()).worker_id !== null;
      };
      // Nothing is measured meanwhile.
      while (await isHeld()) await delay(50, undefined, { signal });
    },
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

/** @returns null while the turn goes on */
function findTurn(seen: readonly { event: StoredEvent; at: number }[]): SeenAt | null {
  const when = (matches: (event: StoredEvent) => boolean): number =>
    seen.find(({ event }) => matches(event))?.at ?? Number.NaN;
  const end = seen.find(({ event }) => event.kind === 'turn' && event.data.phase === 'ended');
  if (end === undefined) return null;
  if (end.event.kind === 'turn' && end.event.data.state !== 'completed')
    throw new Error(`Greenroom's turn failed: ${JSON.stringify(end.event.data)}`);
  const times = {
    started: when((event) => event.kind === 'turn' && event.data.phase === 'started'),
    firstAssistant: when((event) => event.kind === 'sdk' && event.data.type === 'assistant'),
    ended: end.at,
  };
  if (!Object.values(times).every(Number.isFinite))
    throw new Error(`missed an event of the turn: ${JSON.stringify(times)}`);
  return times;
}
