import { randomUUID } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kysely } from 'kysely';
import pLimit from 'p-limit';
import type { KeyRing } from './access/api-key/key-ring.ts';
import type { ApiKeyServices } from './access/api-key/service.ts';
import { openAccess } from './access/open-access.ts';
import { runRetention } from './access/retention/retention.ts';
import type { SignInRing } from './access/sign-in/ring.ts';
import type { PriceList } from './engine/gateway/price-list.ts';
import { nameForAgents, type Upstream } from './engine/gateway/upstream.ts';
import { chooseIsolation, type Isolation, isolationSettings } from './engine/isolation/choose-driver.ts';
import type { IsolationDriver } from './engine/isolation/driver.ts';
import { endStrays } from './engine/isolation/stray-processes.ts';
import { openGateway } from './engine/open-gateway.ts';
import type { HeartbeatTimes } from './engine/worker/heartbeat.ts';
import { Worker } from './engine/worker/worker.ts';
import { type Cloud, describeCloud } from './ground/config/cloud.ts';
import type { Config } from './ground/config/config.ts';
import { longestWait } from './ground/config/upstreams.ts';
import { type DataDirectory, openDataDirectory } from './ground/data-directory.ts';
import type { DatabaseClient, Timeouts } from './ground/db/client.ts';
import type { Database } from './ground/db/database.ts';
import { StartupError } from './ground/errors.ts';
import type { Identity } from './ground/identity.ts';
import type { Logger } from './ground/log.ts';
import { openDatabase } from './ground/postgres/open-database.ts';
import type { DatabaseWords } from './ground/postgres/start-patience.ts';
import { Remover } from './ground/removal/remover.ts';
import { type Clock, systemClock } from './ground/util/clock.ts';
import { proxyEnvironment } from './ground/util/outgoing-proxy.ts';
import { sessionsDirectory } from './session/directories.ts';
import { EventBus } from './session/event/bus.ts';
import { EventLog } from './session/event/event-log.ts';
import type { SessionServices } from './session/service.ts';
import { EventStreams, type StreamTimes } from './stream/streams.ts';
import { openWorkspaces } from './workspace/open-workspaces.ts';
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
  const { logger, agentPath } = parts;
  await using stack = new AsyncDisposableStack();

  // ground
  if (config.extraCaCerts !== null) requireReadable(config.extraCaCerts);
  const dataDirectory = stack.use(openDataDirectory({ path: config.dataDir }));
  await endLeftovers(dataDirectory, logger);
  const temporaryDirectory = await makeTemporaryDirectory(join(dataDirectory.path, 'tmp'));
  const sessionsPath = sessionsDirectory(dataDirectory.path);
  const remover = stack.use(new Remover({ sessionsDirectory: sessionsPath, temporaryDirectory, logger }));
  remover.start();
  // Before the database is started: whoever cannot isolate agents is to know at once.
  const places = { dataDirectory, temporaryDirectory, sessionsDirectory: sessionsPath, remover };
  const { driver, selfTest: isolationTest } = await prepareIsolation(config, parts, { ...places, stack });
  if (config.cloud !== null) requireOpenAgents(config.cloud, driver);
  const timeouts = parts.databaseTimeouts;
  const opened = await openDatabase(config, { dataDirectory, logger, timeouts, stack });
  const { database, target, queue, waited } = opened;

  // session
  const bus = new EventBus(opened.notifications);
  await bus.start();
  const eventLog = stack.use(new EventLog({ db: database.db, bus, logger }));
  const closing = new AbortController();
  const { workspaceRoots } = config;
  const sessions: SessionServices = {
    db: database.db,
    bus,
    queue,
    workspaceRoots,
    confines: driver.confines,
    maxQueued: { perSession: config.maxQueuedMessages, sessions: config.maxQueued },
    closing: closing.signal,
  };

  // workspace, stream
  const workspaces = await openWorkspaces(config, {
    database,
    dataDirectory: dataDirectory.path,
    remover,
    searchPath: agentPath,
    confinesAgents: driver.confines,
    logger,
    stack,
  });
  const streams = stack.use(new EventStreams({ db: database.db, bus, logger, times: parts.streamTimes }));
  streams.start();

  // engine
  const workerId = randomUUID();
  const opening = { database, workerId, logger, stack };
  const { gateway, prices, upstream, upstreams } = await openGateway(config, opening);
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
      workerId,
      startLimit: pLimit(availableParallelism()),
      nodeId: dataDirectory.nodeId,
      mark: dataDirectory.mark,
      dataDir: dataDirectory.path,
      path: agentPath,
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
      workspaceRoots,
      stallTimeout: config.stallTimeout,
      clock: parts.clock ?? systemClock,
    },
    {
      target,
      maxSessions: config.maxSessions,
      slotPatience: config.slotPatience,
      // The data directory, and with it the database in it, is locked.
      isShared: config.databaseUrl !== null,
      times: parts.heartbeatTimes,
    },
  );

  // access
  const directory = dataDirectory.path;
  const access = await openAccess(config, { opened, directory, bus, logger, stack });
  await waited(async () => {
    await queue.scheduleHourly(async () => await runRetention(sessions, config, logger));
  });

  // The first thing that closing does.
  stack.defer(() => closing.abort());
  const resources = stack.move();
  return {
    config,
    logger,
    dataDirectory,
    temporaryDirectory,
    database,
    upstream,
    driver,
    isolationTest,
    remover,
    bus,
    streams,
    prices,
    sessions,
    workspaces,
    workerId,
    worker,
    ...access,
    databaseWords: opened.words,
    isDatabaseEmbedded: config.databaseUrl === null,
    consoleDirectory: parts.consoleDirectory ?? CONSOLE_DIRECTORY,
    forTenant: ({ identity }) => {
      const db = opened.ofTenant(identity.tenantId);
      return { db, sessions: { ...sessions, db }, workspaces: { ...workspaces, db } };
    },
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

/** Before anything else is done in a directory that they may be at work in. */
async function endLeftovers(dataDirectory: DataDirectory, logger: Logger): Promise<void> {
  const { ended, ending } = await endStrays(dataDirectory);
  if (ended > 0) logger.warn({ processes: ended }, 'ended what an earlier server left running');
  if (ending > 0) logger.warn({ sandboxes: ending }, 'what an earlier server left running has yet to end');
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
  dataDirectory: DataDirectory;
  temporaryDirectory: string;
  sessionsDirectory: string;
  remover: Remover;
  stack: AsyncDisposableStack;
};

async function prepareIsolation(
  config: Config,
  parts: ContextParts,
  { dataDirectory, stack, ...places }: Places,
): Promise<Isolation> {
  if (parts.driver !== undefined) return { driver: parts.driver, selfTest: null };
  return await chooseIsolation(
    {
      ...isolationSettings(config),
      searchPath: parts.agentPath,
      ...places,
      dataDir: dataDirectory.path,
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
