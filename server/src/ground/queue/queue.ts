import { type Expression, type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { fromKysely, PgBoss } from 'pg-boss';
import type { DatabaseClient } from '../db/client.ts';
import { type Database, QUEUE_SCHEMA } from '../db/database.ts';
import { isCancelledStatement, isConflict, isDatabaseUnavailable, isLockTimeout } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Logger } from '../log.ts';
import { roundToJoin } from './rounds.ts';

/** One fetch of a job: once the job was fetched again, what is done with an older attempt has no effect. */
type JobAttempt = { id: string; retryCount: number };

/** A claim on a session's activation, valid until completed, failed, or not renewed for HEARTBEAT_SECONDS. */
export type ActivationJob = {
  sessionId: string;
  attempt: JobAttempt;
  /** When it was last asked for with success, as `performance.now()`. */
  provenAt: number;
};

/** How long a claim lives without being renewed: the least that pg-boss allows. */
export const HEARTBEAT_SECONDS = 10;

const ACTIVATIONS = 'activation';
const RETENTION = 'retention';
const DAY_SECONDS = 24 * 3600;
/** Of jobs that are done. */
export const JOB_KEPT_HOURS = 1;
const JOBS = sql.table(`${QUEUE_SCHEMA}.job`);

/** As pg-boss's index has it that the jobs are taken by. */
const isWaitingJob = sql<boolean>`name = ${sql.lit(ACTIVATIONS)} and state < 'active' and not blocked`;

/** As pg-boss's index has it that keeps a session's jobs, waiting or taken, to one. */
function isLiveJobOf(sessionId: Expression<unknown>): RawBuilder<boolean> {
  return sql`name = ${sql.lit(ACTIVATIONS)} and coalesce(singleton_key, '') = ${sessionId}
    and state <= 'active' and policy = 'exclusive'`;
}

/** The queue of sessions that need a worker: pg-boss on the same database, so that a job commits with its turn. */
export class ActivationQueue {
  readonly #boss: PgBoss;
  readonly #db: Kysely<Database>;

  constructor(options: { database: Pick<DatabaseClient, 'db' | 'pool'>; logger: Logger }) {
    const { database, logger } = options;
    this.#db = database.db;
    this.#boss = new PgBoss({
      db: connectionPerText(database.pool),
      schema: QUEUE_SCHEMA,
      // A lapsed heartbeat is noticed within a second of its end.
      monitorIntervalSeconds: 1,
      superviseIntervalSeconds: 1,
      cronMonitorIntervalSeconds: 30,
      cronWorkerIntervalSeconds: 30,
    });
    this.#boss.on('error', (given) => {
      const error = asError(given);
      if (isDatabaseUnavailable(error)) logger.debug({ err: error }, 'the queue cannot reach the database');
      else if (isCancelledStatement(error) || isLockTimeout(error) || isConflict(error))
        logger.warn({ err: error }, 'a statement of the queue was cut off; it tries again');
      else logger.error({ err: error }, 'queue error');
    });
  }

  async start(): Promise<void> {
    await this.#boss.start();
    await this.#boss.createQueue(ACTIVATIONS, {
      // At most one job per session waits or runs.
      policy: 'exclusive',
      heartbeatSeconds: HEARTBEAT_SECONDS,
      // A crashed worker's activation goes to the next one, however often.
      retryLimit: 1_000,
      retryDelay: 0,
      // pg-boss gives up an active job after a day at most; the worker then takes the same job again.
      expireInSeconds: DAY_SECONDS,
      retentionSeconds: 365 * DAY_SECONDS,
      deleteAfterSeconds: JOB_KEPT_HOURS * 3600,
    });
  }

  /**
   * Asks for an activation in the caller's transaction.
   *
   * @returns false when the session already has a job: its holder looks for new input when it ends.
   */
  async send(trx: Transaction<Database>, session: { id: string; tenantId: string }): Promise<boolean> {
    const round = await this.#chooseRound(trx, session);
    if (round === null) return false;
    const id = await this.#boss.send(
      ACTIVATIONS,
      { sessionId: session.id },
      {
        singletonKey: session.id,
        priority: -round,
        group: { id: session.tenantId },
        db: fromKysely(trx),
      },
    );
    return id !== null;
  }

  /** Null when the session has a job. Sessions of a tenant choose one after the other, until their commit. */
  async #chooseRound(
    trx: Transaction<Database>,
    { id, tenantId }: { id: string; tenantId: string },
  ): Promise<number | null> {
    const { rows: locked } = await sql`
      select pg_advisory_xact_lock(hashtextextended('greenroom queue of ' || ${tenantId}, 0))
      where not exists (select from ${JOBS} where ${isLiveJobOf(sql.val(id))})
    `.execute(trx);
    if (locked.length === 0) return null;
    // Not in the statement that waited for the lock: it sees what was there before it waited.
    const { rows } = await sql<{ current: number; last: number | null }>`
      select round as current,
        (select -min(priority) from ${JOBS} where ${isWaitingJob} and group_id = ${tenantId}) as last
      from queue_round
    `.execute(trx);
    const [rounds] = rows;
    if (rounds === undefined) throw new Error('the queue has no round');
    return roundToJoin(rounds.current, rounds.last);
  }

  /** Claims up to `count` jobs, those whose turn it is first. */
  async fetch(count: number): Promise<ActivationJob[]> {
    const provenAt = performance.now();
    const jobs = await inTransaction(this.#db, async (trx) => {
      const fetched = await this.#boss.fetch<{ sessionId: string }>(ACTIVATIONS, {
        batchSize: count,
        includeMetadata: true,
        db: fromKysely(trx),
      });
      const round = Math.max(0, ...fetched.map(({ priority }) => -priority));
      if (fetched.length > 0)
        await sql`update queue_round set round = ${round} where round < ${round}`.execute(trx);
      return fetched;
    });
    // The first are chosen, but not given in order.
    jobs.sort((a, b) => b.priority - a.priority || a.createdOn.getTime() - b.createdOn.getTime());
    return jobs.map((job) => ({
      sessionId: job.data.sessionId,
      attempt: { id: job.id, retryCount: job.retryCount },
      provenAt,
    }));
  }

  /**
   * Extends the claims, over a connection of the caller's. One that has lapsed and that nobody else has taken yet is taken
   * back, as the same attempt. It waits for no lock: what somebody else has locked is left for the next time.
   *
   * @returns those that were not extended
   */
  async renew(
    db: Kysely<Database>,
    jobs: readonly ActivationJob[],
    workerId: string,
  ): Promise<ActivationJob[]> {
    if (jobs.length === 0) return [];
    const askedAt = performance.now();
    const { rows } = await sql<{ id: string }>`
      with claims as (
        select * from unnest(
          ${jobs.map(({ attempt }) => attempt.id)}::uuid[], ${jobs.map(({ attempt }) => attempt.retryCount)}::int[]
        ) as claims (id, retry_count)
      ), mine as (
        select job.id from ${JOBS} as job join claims using (id, retry_count)
        where job.name = ${ACTIVATIONS} and (
          job.state = 'active' or job.state = 'retry' and exists (
            select from sessions
            where sessions.id::text = job.singleton_key and job_id = job.id and worker_id = ${workerId}
          )
        )
        for update of job skip locked
      )
      update ${JOBS} as job set
        state = 'active',
        heartbeat_on = now(),
        started_on = case when job.state = 'retry' then now() else job.started_on end
      from mine where job.name = ${ACTIVATIONS} and job.id = mine.id
      returning job.id
    `.execute(db);
    const renewed = new Set(rows.map(({ id }) => id));
    for (const job of jobs) if (renewed.has(job.attempt.id)) job.provenAt = askedAt;
    return jobs.filter(({ attempt }) => !renewed.has(attempt.id));
  }

  /** Ends the claim in the caller's transaction. */
  async complete(trx: Transaction<Database>, job: ActivationJob): Promise<void> {
    await this.#boss.complete(ACTIVATIONS, job.attempt, null, { db: fromKysely(trx) });
  }

  /** Gives claims back, to be taken again at once. */
  async giveBack(jobIds: readonly string[], trx?: Transaction<Database>): Promise<void> {
    if (jobIds.length === 0) return;
    const connection = trx === undefined ? {} : { db: fromKysely(trx) };
    await this.#boss.fail(ACTIVATIONS, [...jobIds], { reason: 'released by its worker' }, connection);
  }

  /** Whether the claim still stands; if so it does until the transaction ends. */
  async lockClaim(trx: Transaction<Database>, { attempt }: ActivationJob): Promise<boolean> {
    const { rows } = await sql`
      select from ${JOBS}
      where name = ${ACTIVATIONS} and id = ${attempt.id} and state = 'active' and retry_count = ${attempt.retryCount}
      for share
    `.execute(trx);
    return rows.length > 0;
  }

  /** Removes the session's job if no worker has taken it. */
  async withdraw(trx: Transaction<Database>, sessionId: string): Promise<void> {
    // Not by id: a worker may take the job between a look and the deletion, and then it is that worker's.
    await sql`
      delete from ${JOBS} where ${isLiveJobOf(sql.val(sessionId))} and state < 'active'
    `.execute(trx);
  }

  /** Removes the jobs of sessions that are gone, whoever has them. */
  async forget(trx: Transaction<Database>, sessionIds: readonly string[]): Promise<void> {
    await sql`
      delete from ${JOBS} where ${isLiveJobOf(sql`any(${sessionIds}::text[])`)}
    `.execute(trx);
  }

  /** Whether a job waits for a worker. */
  async hasWork(): Promise<boolean> {
    const { rows } = await sql`select from ${JOBS} where ${isWaitingJob} limit 1`.execute(this.#db);
    return rows.length > 0;
  }

  /** Tenants of which a job has waited for longer than that, in milliseconds. */
  async listImpatient(ms: number): Promise<string[]> {
    const { rows } = await sql<{ tenant_id: string }>`
      select distinct group_id as tenant_id from ${JOBS}
      where ${isWaitingJob} and start_after < now() - make_interval(secs => ${ms / 1000})
    `.execute(this.#db);
    return rows.map(({ tenant_id }) => tenant_id);
  }

  /** How many jobs are ahead of the session's, plus one; null when it has none that waits. */
  async position(sessionId: string): Promise<number | null> {
    // In the order in which pg-boss takes them.
    const { rows } = await sql<{ position: number }>`
      with mine as (
        select priority, created_on from ${JOBS} where ${isLiveJobOf(sql.val(sessionId))} and state < 'active'
      )
      select 1 + (
        select count(*) from ${JOBS} where ${isWaitingJob} and priority >= mine.priority
          and (priority > mine.priority or created_on < mine.created_on)
      )::int as position from mine
    `.execute(this.#db);
    return rows[0]?.position ?? null;
  }

  /** Sessions with a queued or running turn but no job: none, unless something went wrong. */
  async findForgotten(): Promise<{ id: string; tenantId: string }[]> {
    const { rows } = await sql<{ id: string; tenantId: string }>`
      select distinct session_id as id, tenant_id as "tenantId" from turns
      where state in ('queued', 'running') and queued_at < now() - interval '1 minute'
        -- A turn that waits for a person needs no worker until it has its answer.
        and coalesce((select waiting_for from sessions where id = turns.session_id), 'tasks') = 'tasks'
        and not exists (select from ${JOBS} where ${isLiveJobOf(sql`turns.session_id::text`)})
    `.execute(this.#db);
    return rows;
  }

  /** Runs `work` once an hour on one node of all. */
  async scheduleHourly(work: () => Promise<void>): Promise<void> {
    await this.#boss.createQueue(RETENTION, {
      policy: 'stately',
      retryLimit: 0,
      deleteAfterSeconds: DAY_SECONDS,
    });
    await this.#boss.schedule(RETENTION, '0 * * * *');
    await this.#boss.work(RETENTION, { pollingIntervalSeconds: 30 }, work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#boss.stop({ graceful: true, timeout: 2_000 });
  }
}

/** Of what its workers threw pg-boss tells in an object of its own, with where it was. */
export function asError(given: object): Error {
  return given instanceof Error ? given : Object.assign(new Error(), given);
}

/**
 * pg-boss sends whole transactions as one text. One that fails leaves its connection in the transaction: the pool drops a
 * connection on which a query of its own has failed.
 */
function connectionPerText(pool: DatabaseClient['pool']): ReturnType<typeof fromKysely> {
  return {
    executeSql: async (text, values) => {
      // Of several statements in a text the results come as a list.
      const results = [await pool.query(text, values)].flat();
      return { rows: results.flatMap(({ rows }) => rows) };
    },
  };
}
