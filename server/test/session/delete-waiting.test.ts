import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Kysely } from 'kysely';
import { type Claim, claimSession } from '../../src/engine/hold/claim.ts';
import { beginTurn } from '../../src/engine/hold/turns.ts';
import { type Database, QUEUE_SCHEMA } from '../../src/ground/db/database.ts';
import type { ActivationJob, ActivationQueue } from '../../src/ground/queue/queue.ts';
import { StaleFenceError } from '../../src/session/event/event-log.ts';
import { type Answer, startTestServer, type TestServer } from '../support/harness.ts';

describe('deleting a session that waits for a worker', () => {
  let server: TestServer;
  let db: Kysely<Database>;
  let queue: ActivationQueue;
  let running: string;
  before(async () => {
    // Its only slot is taken, so that nobody but these tests takes a job.
    server = await startTestServer({ config: { maxSessions: 1 } });
    db = server.context.database.db;
    queue = server.context.sessions.queue;
    running = await server.execute({ prompt: '[demo:hang]' });
    await server.event(running, (event) => event.kind === 'sdk');
  });
  after(async () => {
    await server.client.sessions.cancel(running);
    await server[Symbol.asyncDispose]();
  });

  const remove = async (id: string): Promise<Answer> => await server.request('DELETE', `/sessions/${id}`);
  const isGone = async (id: string): Promise<boolean> =>
    (await server.request('GET', `/status/${id}`)).status === 404;
  const jobs = async (id: string): Promise<string[]> => {
    const { rows } = await server.context.database.pool.query<{ state: string }>(
      `select state from ${QUEUE_SCHEMA}.job where singleton_key = $1 and state <= 'active'`,
      [id],
    );
    return rows.map((row) => row.state);
  };
  const fetchJob = async (id: string): Promise<ActivationJob> => {
    const [job] = await queue.fetch(1);
    assert.equal(job?.sessionId, id);
    return job ?? assert.fail('no job waits');
  };
  const claim = async (job: ActivationJob): Promise<Claim | null> =>
    await claimSession(db, {
      job,
      workerId: randomUUID(),
      queue,
      isolation: 'none',
      onFound: async () => {},
    });
  const giveUp = async (job: ActivationJob): Promise<void> =>
    await db.transaction().execute(async (trx) => await queue.complete(trx, job));

  it('takes it from the queue, with all that waits in it', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.client.sessions.messages.send(id, { prompt: 'and again' });
    assert.deepEqual(await jobs(id), ['created']);
    const { status, body } = await remove(id);
    assert.deepEqual(
      [status, body],
      [200, { session_id: id, status: 'pending', message: `Session ${id} deleted successfully` }],
    );
    assert.deepEqual(await jobs(id), []);
    assert.ok(await isGone(id));
  });

  it('is refused once a turn of it runs', async () => {
    const { status, body } = await remove(running);
    assert.deepEqual([status, body.code], [400, 'session_running']);
  });

  it('leaves nothing to claim to the worker that has just taken its job', async () => {
    const id = await server.execute({ prompt: 'hello' });
    const job = await fetchJob(id);
    assert.equal((await remove(id)).status, 200);
    assert.equal(await claim(job), null);
    await giveUp(job);
  });

  it('lets the worker that has just claimed it begin nothing', async () => {
    const id = await server.execute({ prompt: 'hello' });
    const job = await fetchJob(id);
    const claimed = (await claim(job)) ?? assert.fail('the session was there');
    assert.equal((await remove(id)).status, 200);
    const hold = { sessionId: id, fence: claimed.session.fence };
    await assert.rejects(beginTurn(db, hold, null), StaleFenceError);
    await giveUp(job);
  });

  it('waits for a worker that is about to begin its turn, and is refused then', async () => {
    const id = await server.execute({ prompt: 'hello' });
    const job = await fetchJob(id);
    const claimed = (await claim(job)) ?? assert.fail('the session was there');
    const hold = { sessionId: id, fence: claimed.session.fence };
    const removal = await db.transaction().execute(async (trx) => {
      await trx.selectFrom('sessions').select('id').where('id', '=', id).forUpdate().execute();
      const begun = beginTurn(db, hold, null);
      await waiting(1);
      const removed = remove(id);
      await waiting(2);
      return { begun, removed };
    });
    await removal.begun;
    assert.equal((await removal.removed).body.code, 'session_running');
    await server.client.sessions.cancel(id);
    await giveUp(job);
  });

  /** So many connections wait for a lock. */
  const waiting = async (count: number): Promise<void> => {
    const locked = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    while (((await server.context.database.pool.query(locked)).rowCount ?? 0) < count);
  };
});
