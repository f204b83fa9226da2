import type { Kysely } from 'kysely';
import type { LimitFunction } from 'p-limit';
import type { Database } from '../ground/db/database.ts';
import type { Logger } from '../ground/log.ts';
import type { ActivationQueue } from '../ground/queue/queue.ts';
import type { Remover } from '../ground/removal/remover.ts';
import type { Clock } from '../ground/util/clock.ts';
import type { ProxySettings } from '../ground/util/outgoing-proxy.ts';
import type { EventBus } from '../session/event/bus.ts';
import type { EventLog } from '../session/event/event-log.ts';
import type { HostPolicy } from '../session/options/remote-hosts.ts';
import type { WorkspaceServices } from '../workspace/service.ts';
import type { ModelGateway } from './gateway/gateway.ts';
import type { IsolationDriver } from './isolation/driver.ts';

/** What a worker and its stays work with. */
export type WorkerServices = {
  db: Kysely<Database>;
  bus: EventBus;
  queue: ActivationQueue;
  eventLog: EventLog;
  gateway: ModelGateway;
  driver: IsolationDriver;
  logger: Logger;
  /** Holds agent process starts to about the number of cores. */
  startLimit: LimitFunction;
  clock: Clock;
  workerId: string;
  /** Of the data directory: the same after a restart. */
  nodeId: string;
  /** What processes of this data directory are marked with, in front. */
  mark: string;
  dataDir: string;
  remover: Remover;
  workspaces: WorkspaceServices;
  /** Search path that agents get. */
  path: string;
  /** What agents get of the server's environment to ask a cloud's models. */
  cloudEnvironment: Record<string, string>;
  /** What agents that are not confined get to find the way out of this network. */
  proxyEnvironment: Record<string, string>;
  /** File with certificates of further CAs that agents are to trust. */
  extraCaCerts: string | null;
  /** How long the gateway lets a model API be silent at most, in milliseconds. */
  modelWaitMs: number;
  /** What sessions may let their agents connect to. */
  hosts: HostPolicy;
  /** How long an idle session keeps its process, in milliseconds. */
  idleTtl: number;
  defaultModel: string | null;
  /** The name under which an agent asks for a model, as whoever answers for it knows it. */
  nameModel: (model: string) => string;
  proxies: ProxySettings;
  /** Where sessions may work: entries of `rootsOf`. */
  workspaceRoots: readonly string[];
  /** How long a turn may go on without a word of the agent or a byte of the model, in milliseconds. */
  stallTimeout: number;
};
