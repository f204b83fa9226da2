import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { stopLeftoverPostmaster } from './leftover-postmaster.ts';
import { checkAccountCanEnter, findPostgresAccount, type PostgresAccount } from './postgres-account.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { ensureCluster, POSTGRES_USER } from './postgres-cluster.ts';
import { isPredecessorInTheWay, postgresStartupError, rotatePostgresLog } from './postgres-log.ts';
import { findPassword, makePassword, requirePassword } from './postgres-password.ts';
import { type PostgresConnection, waitUntilReady } from './postgres-ready.ts';
import { POSTGRES_PORT, prepareSocketDirectory, socketDirectoryFor } from './postgres-socket.ts';
import { type Postmaster, startPostmaster } from './postmaster.ts';

/*
 * The PostgreSQL that the server runs for itself.
 *
 * idle      Nothing runs. `start()` leads to starting.
 * starting  Stops what a predecessor left, starts a postmaster, waits until it takes connections; if something of the
 *           predecessor is still in the way, again. Leads to running; on an error to stopped (the first time) or to
 *           waiting (later).
 * running   Leads to waiting when the postmaster ends by itself. Clients see their connections break.
 * waiting   A pause, longer each time while it never runs for long. Leads to starting.
 * stopped   Disposing leads here from every state: it ends the pause and the postmaster. Final.
 *
 * A server that is killed takes its postmaster along (postmaster.ts). The next start may come while that is under way
 * (leftover-postmaster.ts).
 */

type LogMethod = (fields: object, message: string) => void;

export type EmbeddedPostgresOptions = {
  /** Held by the caller, see `openDataDirectory`. */
  dataDirectory: string;
  logger: { info: LogMethod; warn: LogMethod; error: LogMethod };
};

const HANDOVER_TIMEOUT_MS = 30_000;
const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5000;
const STEADY_MS = 30_000;

export class EmbeddedPostgres {
  readonly connection: PostgresConnection;
  readonly #dataDirectory: string;
  readonly #cluster: string;
  readonly #logPath: string;
  readonly #logger: EmbeddedPostgresOptions['logger'];
  readonly #stopping = new AbortController();
  #account: PostgresAccount = null;
  #program = '';
  #postmaster: Postmaster | undefined;
  #starting: Promise<void> | undefined;
  #supervision: Promise<void> | undefined;

  constructor({ dataDirectory, logger }: EmbeddedPostgresOptions) {
    this.#dataDirectory = resolve(dataDirectory);
    this.#cluster = join(this.#dataDirectory, 'postgres');
    this.#logPath = join(this.#dataDirectory, 'postgres.log');
    this.#logger = logger;
    makePassword(this.#dataDirectory);
    this.connection = embeddedConnection(this.#dataDirectory);
  }

  /** Resolves when `connection` can be used. Throws a `StartupError` and leaves nothing running if that fails. */
  start(): Promise<void> {
    this.#starting ??= this.#startFirst();
    return this.#starting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#postmaster?.stop();
    await this.#starting?.catch(() => {});
    await this.#supervision;
    if (this.#postmaster === undefined) return;
    // There is one only if somebody killed the shell that stops it.
    await stopLeftoverPostmaster(this.#cluster);
    rmSync(this.connection.host, { recursive: true, force: true });
  }

  async #startFirst(): Promise<void> {
    try {
      await this.#prepare();
      this.#supervision = this.#supervise(await this.#launch());
    } catch (error) {
      await this.#postmaster?.stop();
      throw toStartupError(error);
    }
  }

  async #prepare(): Promise<void> {
    this.#account = findPostgresAccount(this.#cluster);
    await checkAccountCanEnter(this.#dataDirectory, this.#account);
    const copiesDirectory = join(this.#dataDirectory, 'postgres-binaries');
    const binaries = await findPostgresBinaries({ account: this.#account, copiesDirectory });
    await ensureCluster(this.#cluster, binaries, this.#account);
    this.#program = binaries.postgres;
    rotatePostgresLog(this.#logPath);
  }

  async #launch(): Promise<Postmaster> {
    const deadline = Date.now() + HANDOVER_TIMEOUT_MS;
    while (true) {
      const output = await this.#tryToLaunch();
      if (typeof output !== 'string') return output;
      this.#stopping.signal.throwIfAborted();
      if (!isPredecessorInTheWay(output) || Date.now() > deadline) {
        throw postgresStartupError(`PostgreSQL did not start in ${this.#cluster}:`, output);
      }
      await this.#pause(MIN_PAUSE_MS);
    }
  }

  /** A postmaster that is ready, or what PostgreSQL said instead. */
  async #tryToLaunch(): Promise<Postmaster | string> {
    const stalePid = await stopLeftoverPostmaster(this.#cluster);
    this.#stopping.signal.throwIfAborted();
    const problem = await requirePassword(this.#cluster, {
      password: this.connection.password,
      program: this.#program,
      account: this.#account,
      stalePid,
    });
    if (problem !== null) return problem;
    const postmaster = this.#startPostmaster(stalePid);
    if (await waitUntilReady(this.connection, postmaster)) return postmaster;
    await postmaster.stop();
    return postmaster.readLogTail();
  }

  #startPostmaster(stalePid: number | undefined): Postmaster {
    prepareSocketDirectory(this.connection.host, this.#account);
    this.#postmaster = startPostmaster({
      program: this.#program,
      cluster: this.#cluster,
      socketDirectory: this.connection.host,
      logPath: this.#logPath,
      account: this.#account,
      stalePid,
    });
    return this.#postmaster;
  }

  async #supervise(first: Postmaster): Promise<void> {
    let postmaster: Postmaster | undefined = first;
    let pause = MIN_PAUSE_MS;
    while (true) {
      const startedAt = Date.now();
      await postmaster?.ended;
      if (this.#stopping.signal.aborted) return;
      if (Date.now() - startedAt > STEADY_MS) pause = MIN_PAUSE_MS;
      this.#logger.error({ pause, log: postmaster?.readLogTail() }, 'PostgreSQL is down; starting it again');
      await this.#pause(pause);
      pause = Math.min(pause * 2, MAX_PAUSE_MS);
      postmaster = await this.#relaunch();
    }
  }

  async #relaunch(): Promise<Postmaster | undefined> {
    try {
      const postmaster = await this.#launch();
      this.#logger.info({}, 'PostgreSQL is back');
      return postmaster;
    } catch (error) {
      if (!this.#stopping.signal.aborted)
        this.#logger.error({ err: error }, 'PostgreSQL did not start again');
      return undefined;
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

/** To the embedded database of a data directory, whoever runs it. */
export function embeddedConnection(dataDirectory: string): PostgresConnection {
  const host = socketDirectoryFor(dataDirectory);
  const password = findPassword(dataDirectory) ?? '';
  return { host, port: POSTGRES_PORT, user: POSTGRES_USER, password, database: 'greenroom', ssl: false };
}

/** What the system or the database refuses, the operator can mend; all else is a bug, whose stack is wanted. */
function toStartupError(error: unknown): unknown {
  const isRefusal = error instanceof DatabaseError || (error instanceof Error && 'syscall' in error);
  return isRefusal ? postgresStartupError('PostgreSQL could not be started:', error.message) : error;
}
