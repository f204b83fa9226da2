import { randomUUID } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Config } from './config.ts';
import { type ConnectionTarget, createDatabaseClient, type DatabaseClient } from './db/client.ts';
import { type DataDirectory, openDataDirectory } from './db/data-directory.ts';
import { EmbeddedPostgres } from './db/embedded-postgres.ts';
import { migrateToLatest } from './db/migrate.ts';
import { Notifications } from './db/notifications.ts';
import { retryWhileUnavailable } from './db/retry.ts';
import { StartupError } from './errors.ts';
import { EventBus } from './event/bus.ts';
import { EventLog } from './event/event-log.ts';
import { EventStreams, type StreamTimes } from './event/streams.ts';
import { startDemoModel } from './gateway/demo-model/demo-model.ts';
import { ModelGateway } from './gateway/gateway.ts';
import { configuredUpstream, demoUpstream, needsDemoModel, type Upstream } from './gateway/upstream.ts';
import type { IsolationDriver } from './isolation/driver.ts';
import { noIsolation } from './isolation/none.ts';
import type { Logger } from './log.ts';
import { ActivationQueue } from './queue/queue.ts';
import { runRetention } from './session/retention.ts';
import type { SessionServices } from './session/service.ts';
import { Worker } from './worker/worker.ts';
import { WorkspaceHistory } from './workspace/history.ts';
import type { WorkspaceServices } from './workspace/service.ts';

/** Everything that a running server is made of. Built once, closed in reverse order. */
export type Context = {
  config: Config;
  logger: Logger;
  dataDirectory: DataDirectory;
  temporaryDirectory: string;
  database: DatabaseClient;
  isDatabaseEmbedded: boolean;
  upstream: Upstream;
  driver: IsolationDriver;
  bus: EventBus;
  streams: EventStreams;
  sessions: SessionServices;
  workspaces: WorkspaceServices;
  worker: Worker;
  [Symbol.asyncDispose](): Promise<void>;
};

export type ContextParts = {
  logger: Logger;
  /** Search path that agents get. */
  agentPath: string;
  driver?: IsolationDriver;
  /** A model stream that is silent for longer is cut. Milliseconds. */
  streamIdleMs?: number;
  /** Of the event streams to clients. */
  streamTimes?: Partial<StreamTimes>;
};

export async function createContext(config: Config, parts: ContextParts): Promise<Context> {
  const { logger } = parts;
  const driver = parts.driver ?? noIsolation;
  await using stack = new AsyncDisposableStack();

  const dataDirectory = stack.use(openDataDirectory({ path: config.dataDir }));
  const temporaryDirectory = await emptyDirectory(join(dataDirectory.path, 'tmp'));
  const target = await connectionTarget(config, dataDirectory, { stack, logger });
  const database = stack.use(createDatabaseClient(target, { logger }));
  await prepareDatabase(database, config);

  const notifications = new Notifications({ target, pool: database.pool, logger });
  stack.use(notifications);
  const bus = new EventBus(notifications);
  await bus.start();
  const queue = stack.use(new ActivationQueue({ db: database.db, logger }));
  await queue.start();

  const upstream = await chooseUpstream(config, stack);
  const gateway = stack.use(
    new ModelGateway({
      upstream,
      logger,
      ...(parts.streamIdleMs === undefined ? {} : { streamIdleMs: parts.streamIdleMs }),
    }),
  );
  await gateway.start();
  const eventLog = stack.use(new EventLog({ db: database.db, bus, logger }));

  const streams = stack.use(new EventStreams({ db: database.db, bus, logger, times: parts.streamTimes }));
  streams.start();

  const sessions: SessionServices = {
    db: database.db,
    bus,
    queue,
    workspaceRoots: config.workspaceRoots,
    maxQueued: { perSession: config.maxQueuedMessages, sessions: config.maxQueued },
  };
  await queue.scheduleHourly(async () => await runRetention(sessions, config.retention, logger));
  const history = stack.use(new WorkspaceHistory({ path: parts.agentPath, logger }));
  const workspaces: WorkspaceServices = {
    db: database.db,
    dataDir: await realpath(dataDirectory.path),
    history,
  };
  const worker = new Worker(
    {
      ...{ db: database.db, bus, queue, eventLog, gateway, driver, workspaces, logger },
      startLimit: pLimit(availableParallelism()),
      workerId: randomUUID(),
      nodeId: dataDirectory.nodeId,
      dataDir: dataDirectory.path,
      path: parts.agentPath,
      idleTtl: config.idleTtl,
      defaultModel: config.model,
      stallTimeout: config.stallTimeout,
    },
    config.maxSessions,
  );

  const resources = stack.move();
  const isDatabaseEmbedded = config.databaseUrl === null;
  return {
    ...{
      config,
      logger,
      dataDirectory,
      temporaryDirectory,
      database,
      isDatabaseEmbedded,
      upstream,
      driver,
      bus,
      streams,
      sessions,
      workspaces,
      worker,
    },
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

async function connectionTarget(
  config: Config,
  dataDirectory: DataDirectory,
  { stack, logger }: { stack: AsyncDisposableStack; logger: Logger },
): Promise<ConnectionTarget> {
  if (config.databaseUrl !== null) return { connectionString: config.databaseUrl };
  const postgres = stack.use(new EmbeddedPostgres({ dataDirectory: dataDirectory.path, logger }));
  await postgres.start();
  return postgres.connection;
}

// The SDK unpacks transcripts into it and may leave them behind when the server is killed.
async function emptyDirectory(path: string): Promise<string> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { mode: 0o700 });
  return path;
}

const DATABASE_PATIENCE_MS = 15_000;

/** A database that is still starting is waited for; one that cannot be reached is the operator's to mend. */
async function prepareDatabase(database: DatabaseClient, config: Config): Promise<void> {
  try {
    await retryWhileUnavailable(
      async () => await migrateToLatest(database.db),
      AbortSignal.timeout(DATABASE_PATIENCE_MS),
    );
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const where =
      config.databaseUrl === null
        ? 'the embedded database'
        : `the database at ${new URL(config.databaseUrl).host}`;
    throw new StartupError(`cannot use ${where}: ${(error as Error).message}`, {
      cause: error,
      hint:
        config.databaseUrl === null ? `see ${join(config.dataDir, 'postgres.log')}` : 'check DATABASE_URL',
    });
  }
}

async function chooseUpstream(config: Config, stack: AsyncDisposableStack): Promise<Upstream> {
  if (!needsDemoModel(config)) return configuredUpstream(config);
  const demo = stack.use(await startDemoModel({ tokensPerSecond: config.demoTokensPerSecond }));
  return demoUpstream(demo.url);
}
