import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kysely } from 'kysely';
import pLimit from 'p-limit';
import { KeyRing } from './access/api-key/key-ring.ts';
import { Pepper } from './access/api-key/pepper.ts';
import type { ApiKeyServices } from './access/api-key/service.ts';
import { runRetention } from './access/retention/retention.ts';
import { SignInRing } from './access/sign-in/ring.ts';
import { findInstallation } from './access/sign-in/store.ts';
import { startDemoModel } from './engine/gateway/demo-model/demo-model.ts';
import { ModelGateway } from './engine/gateway/gateway.ts';
import { UsageLedger } from './engine/gateway/ledger.ts';
import { PriceList } from './engine/gateway/price-list.ts';
import { readPriceFile } from './engine/gateway/price-table.ts';
import { listPrices } from './engine/gateway/prices.ts';
import {
  configuredUpstream,
  demoUpstream,
  modelUpstreams,
  nameForAgents,
  needsDemoModel,
  type Upstream,
} from './engine/gateway/upstream.ts';
import { chooseIsolation, type Isolation, isolationSettings } from './engine/isolation/choose-driver.ts';
import type { IsolationDriver } from './engine/isolation/driver.ts';
import { endStrays } from './engine/isolation/stray-processes.ts';
import type { HeartbeatTimes } from './engine/worker/heartbeat.ts';
import { Worker } from './engine/worker/worker.ts';
import { type Cloud, describeCloud } from './ground/config/cloud.ts';
import { type Config, isLocalOnly } from './ground/config/config.ts';
import { longestWait } from './ground/config/upstreams.ts';
import {
  type ConnectionTarget,
  createDatabaseClient,
  type DatabaseClient,
  TIMEOUTS,
  type Timeouts,
} from './ground/db/client.ts';
import type { Database } from './ground/db/database.ts';
import { migrateToLatest } from './ground/db/migrate.ts';
import { Notifications } from './ground/db/notifications.ts';
import { createTenantDatabases, requireTenantRole } from './ground/db/tenant-databases.ts';
import { raiseTenantWall } from './ground/db/tenant-wall.ts';
import { StartupError } from './ground/errors.ts';
import type { Identity } from './ground/identity.ts';
import { DEFAULT_TENANT } from './ground/identity.ts';
import type { Logger } from './ground/log.ts';
import { type DataDirectory, openDataDirectory } from './ground/postgres/data-directory.ts';
import { EmbeddedPostgres } from './ground/postgres/embedded-postgres.ts';
import { cannotUse, type DatabaseWords, waitForDatabase } from './ground/postgres/start-patience.ts';
import { ActivationQueue } from './ground/queue/queue.ts';
import { Remover } from './ground/removal/remover.ts';
import { type Clock, systemClock } from './ground/util/clock.ts';
import { proxyEnvironment } from './ground/util/outgoing-proxy.ts';
import { sessionsDirectory } from './session/directories.ts';
import { EventBus } from './session/event/bus.ts';
import { EventLog } from './session/event/event-log.ts';
import type { SessionServices } from './session/service.ts';
import { EventStreams, type StreamTimes } from './stream/streams.ts';
import { findMeter } from './workspace/disk/measure.ts';
import { SessionDisk } from './workspace/disk/session-disk.ts';
import { WorkspaceHistory } from './workspace/history.ts';
import { snapshotLimits } from './workspace/scan.ts';
import type { WorkspaceServices } from './workspace/service.ts';

/** Everything that a running server is made of. Built once, closed in reverse order. */
export type Context = {
  config: Config;
  logger: Logger;
  dataDirectory: DataDirectory;
  temporaryDirectory: string;
  database: DatabaseClient;
  databaseWords: DatabaseWords;
  isDatabaseEmbedded: boolean;
  upstream: Upstream;
  /** What agents run inside. */
  driver: IsolationDriver;
  /** Of the driver that confines, made at the start; null when none was asked for. */
  isolationTest: Isolation['selfTest'];
  /** Deletes what agents may have written. */
  remover: Remover;
  bus: EventBus;
  streams: EventStreams;
  /** Who may come in. */
  keys: KeyRing;
  apiKeys: ApiKeyServices;
  /** Browsers that are signed in. */
  signIns: SignInRing;
  /** Which installation this is, among those of a host; the same on all its nodes. */
  installation: string;
  prices: PriceList;
  /** Of the console's build. */
  consoleDirectory: string;
  /** Over the sessions of all tenants: for what no request asks for. */
  sessions: SessionServices;
  workspaces: WorkspaceServices;
  /** What the requests of a tenant work with: its rows are all there is. */
  forTenant(request: { identity: Identity }): TenantServices;
  /** Of this process, as the database has it. */
  workerId: string;
  worker: Worker;
  [Symbol.asyncDispose](): Promise<void>;
};

/** `db` shows the tenant's rows, and no others. */
export type TenantServices = {
  db: Kysely<Database>;
  sessions: SessionServices;
  workspaces: WorkspaceServices;
};

export type ContextParts = {
  logger: Logger;
  /** Search path that agents get. */
  agentPath: string;
  driver?: IsolationDriver;
  /** Of the console's build, instead of the one that lies beside this package. */
  consoleDirectory?: string;
  /** Of the event streams to clients. */
  streamTimes?: Partial<StreamTimes>;
  databaseTimeouts?: Partial<Timeouts>;
  heartbeatTimes?: Partial<HeartbeatTimes>;
  /** Of what is waited for in a turn. */
  clock?: Clock;
};

/** Where agents ask a cloud themselves, they alone notice that it is silent. */
const CLOUD_WAIT_MS = 240_000;

const CONSOLE_DIRECTORY = fileURLToPath(new URL('../../console/dist', import.meta.url));

export async function createContext(config: Config, parts: ContextParts): Promise<Context> {
  const { logger } = parts;
  await using stack = new AsyncDisposableStack();

  if (config.extraCaCerts !== null) requireReadable(config.extraCaCerts);
  const dataDirectory = stack.use(openDataDirectory({ path: config.dataDir }));
  // Before anything else is done in a directory that they may be at work in.
  const strays = await endStrays(dataDirectory);
  if (strays.ended > 0) logger.warn({ processes: strays.ended }, 'ended what an earlier server left running');
  if (strays.ending > 0)
    logger.warn({ sandboxes: strays.ending }, 'what an earlier server left running has yet to end');
  const temporaryDirectory = await makeTemporaryDirectory(join(dataDirectory.path, 'tmp'));
  const remover = stack.use(
    new Remover({
      sessionsDirectory: sessionsDirectory(dataDirectory.path),
      temporaryDirectory,
      logger,
    }),
  );
  remover.start();
  const { driver, selfTest: isolationTest } = await prepareIsolation(config, parts, {
    stack,
    dataDirectory,
    temporaryDirectory,
    remover,
  });
  if (config.cloud !== null) requireOpenAgents(config.cloud, driver);
  const target = await connectionTarget(config, dataDirectory, { stack, logger });
  const databaseWords = describeDatabase(config);
  const waited = async <T>(step: () => Promise<T>): Promise<T> => await waitForDatabase(databaseWords, step);
  await prepareDatabase(target, { words: databaseWords, logger });
  const timeouts = { ...TIMEOUTS, ...parts.databaseTimeouts };
  const database = stack.use(createDatabaseClient(target, { logger, timeouts }));

  const notifications = new Notifications({ target, pool: database.pool, logger });
  stack.use(notifications);
  const bus = new EventBus(notifications);
  await bus.start();
  const queue = stack.use(new ActivationQueue({ database, logger }));
  await waited(async () => await queue.start());

  const upstream = await chooseUpstream(config, stack);
  const upstreams = modelUpstreams(config);
  const workerId = randomUUID();
  const prices = readPrices(config, logger);
  const accounts = stack.use(new UsageLedger({ database, prices, workerId, logger }));
  accounts.start();
  const gateway = stack.use(
    new ModelGateway({
      upstream,
      upstreams,
      accounts,
      allowedModels: config.allowedModels,
      memory: config.gatewayMemory,
      proxies: config,
      logger,
    }),
  );
  await gateway.start();
  const eventLog = stack.use(new EventLog({ db: database.db, bus, logger }));

  const streams = stack.use(new EventStreams({ db: database.db, bus, logger, times: parts.streamTimes }));
  streams.start();

  const pepper = new Pepper({ configured: config.keyPepper, directory: dataDirectory.path });
  const apiKeys: ApiKeyServices = { db: database.db, bus, pepper };
  const keys = stack.use(new KeyRing({ db: database.db, bus, pepper, logger, isLocal: isLocalOnly(config) }));
  await waited(async () => await keys.start());
  const signIns = stack.use(new SignInRing({ db: database.db, bus, keys, logger }));
  signIns.start();
  const installation = await waited(async () => await findInstallation(database.db));

  const closing = new AbortController();
  stack.defer(() => closing.abort());
  const sessions: SessionServices = {
    db: database.db,
    bus,
    queue,
    workspaceRoots: config.workspaceRoots,
    confines: driver.confines,
    maxQueued: { perSession: config.maxQueuedMessages, sessions: config.maxQueued },
    closing: closing.signal,
  };
  const runHourly = async (): Promise<void> => await runRetention(sessions, config, logger);
  await waited(async () => await queue.scheduleHourly(runHourly));
  const history = stack.use(
    new WorkspaceHistory({
      path: parts.agentPath,
      confinesAgents: driver.confines,
      logger,
      limits: {
        ...snapshotLimits,
        storedBytes: Math.min(snapshotLimits.storedBytes, config.sandboxDisk),
      },
    }),
  );
  const disk = new SessionDisk({
    directory: dataDirectory.path,
    maxBytes: config.sandboxDisk,
    meter: findMeter(parts.agentPath, driver),
  });
  const workspaces: WorkspaceServices = {
    db: database.db,
    dataDir: await realpath(dataDirectory.path),
    history,
    remover,
    disk,
    confinesAgents: driver.confines,
    workspaceRoots: config.workspaceRoots,
  };
  await waited(async () => await raiseTenantWall(database.db));
  const tenantDatabases = stack.use(createTenantDatabases(target, { logger, timeouts }));
  await waited(async () => await requireTenantRole(tenantDatabases.of(DEFAULT_TENANT)));
  const forTenant: Context['forTenant'] = ({ identity }) => {
    const db = tenantDatabases.of(identity.tenantId);
    return { db, sessions: { ...sessions, db }, workspaces: { ...workspaces, db } };
  };
  const worker = new Worker(
    {
      db: database.db,
      bus,
      queue,
      eventLog,
      gateway,
      driver,
      workspaces,
      remover,
      logger,
      startLimit: pLimit(availableParallelism()),
      workerId,
      nodeId: dataDirectory.nodeId,
      mark: dataDirectory.mark,
      dataDir: dataDirectory.path,
      path: parts.agentPath,
      cloudEnvironment: config.cloud?.environment ?? {},
      idleTtl: config.idleTtl,
      defaultModel: config.model,
      // A cloud that agents ask by themselves knows its own names.
      nameModel: (model) => (config.cloud === null ? nameForAgents(model, { upstream, upstreams }) : model),
      proxyEnvironment: proxyEnvironment(config),
      extraCaCerts: config.extraCaCerts,
      modelWaitMs: config.cloud === null ? longestWait(config) : CLOUD_WAIT_MS,
      hosts: config,
      proxies: config,
      workspaceRoots: config.workspaceRoots,
      stallTimeout: config.stallTimeout,
      clock: parts.clock ?? systemClock,
    },
    {
      maxSessions: config.maxSessions,
      slotPatience: config.slotPatience,
      target,
      // The data directory, and with it the database in it, is locked.
      isShared: config.databaseUrl !== null,
      times: parts.heartbeatTimes,
    },
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
      databaseWords,
      isDatabaseEmbedded,
      upstream,
      driver,
      isolationTest,
      remover,
      bus,
      streams,
      keys,
      apiKeys,
      signIns,
      installation,
      prices,
      consoleDirectory: parts.consoleDirectory ?? CONSOLE_DIRECTORY,
      sessions,
      workspaces,
      forTenant,
      workerId,
      worker,
    },
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

/** Node.js goes on without it, and says so in a line that nobody sees. */
function requireReadable(extraCaCerts: string): void {
  try {
    accessSync(extraCaCerts, constants.R_OK);
  } catch (error) {
    throw new StartupError(`cannot read the certificates in ${extraCaCerts}`, {
      cause: error,
      hint: 'NODE_EXTRA_CA_CERTS names the file: correct it, or unset it',
    });
  }
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

// The SDK unpacks transcripts into it and may leave them behind when the server is killed: each start has its own, so that
// nobody waits for what is there. Confined agents have users of their own, when the server is root, and pass through.
async function makeTemporaryDirectory(parent: string): Promise<string> {
  const path = join(parent, randomUUID().slice(0, 8));
  for (const each of [parent, path]) {
    await mkdir(each, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  }
  return path;
}

type Places = {
  stack: AsyncDisposableStack;
  dataDirectory: DataDirectory;
  temporaryDirectory: string;
  remover: Remover;
};

async function prepareIsolation(
  config: Config,
  parts: ContextParts,
  { stack, dataDirectory, temporaryDirectory, remover }: Places,
): Promise<Isolation> {
  if (parts.driver !== undefined) return { driver: parts.driver, selfTest: null };
  return await chooseIsolation(
    {
      ...isolationSettings(config),
      searchPath: parts.agentPath,
      dataDir: dataDirectory.path,
      sessionsDirectory: sessionsDirectory(dataDirectory.path),
      temporaryDirectory,
      remover,
      nodeId: dataDirectory.nodeId,
      logger: parts.logger,
    },
    stack,
  );
}

/** Inside a sandbox there is neither a network nor a secret. */
function requireOpenAgents(cloud: Cloud, driver: IsolationDriver): void {
  if (!driver.confines) return;
  throw new StartupError(`${describeCloud(cloud)}, needs agents without isolation`, {
    hint: 'accept with --isolation none that agents can do what the server user can, or ask the cloud through a gateway that speaks the Anthropic Messages API (docs/gateway.md)',
  });
}

function describeDatabase({ databaseUrl, dataDir }: Config): DatabaseWords {
  if (databaseUrl === null)
    return { name: 'the embedded database', hint: `see ${join(dataDir, 'postgres.log')}` };
  return { name: `the database at ${new URL(databaseUrl).host}`, hint: 'check DATABASE_URL' };
}

/** Whatever the first use of the database fails with is the operator's to mend. */
async function prepareDatabase(
  target: ConnectionTarget,
  { words, logger }: { words: DatabaseWords; logger: Logger },
): Promise<void> {
  // Migrations may take as long as they need.
  await using database = createDatabaseClient(target, { logger, maxConnections: 2 });
  try {
    await waitForDatabase(words, async () => await migrateToLatest(database.db));
  } catch (error) {
    throw error instanceof StartupError ? error : cannotUse(words, error);
  }
}

async function chooseUpstream(config: Config, stack: AsyncDisposableStack): Promise<Upstream> {
  if (!needsDemoModel(config)) return configuredUpstream(config);
  const demo = stack.use(await startDemoModel({ tokensPerSecond: config.demoTokensPerSecond }));
  return demoUpstream(demo.url, config.modelIdleTimeout ?? undefined);
}

function readPrices(config: Config, logger: Logger): PriceList {
  const table = config.prices === null ? listPrices : readPriceFile(config.prices, listPrices);
  return new PriceList(table, (model) =>
    logger.warn({ model }, 'no price is known for this model: it counts at the default price'),
  );
}
