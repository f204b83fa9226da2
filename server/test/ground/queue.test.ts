import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createDatabaseClient, type DatabaseClient } from '../../src/ground/db/client.ts';
import { isDatabaseUnavailable } from '../../src/ground/db/sqlstate.ts';
import { type Identity, LOCAL_USER } from '../../src/ground/identity.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { type ActivationJob, ActivationQueue, asError } from '../../src/ground/queue/queue.ts';
import { getSessionDetail, type SessionServices, startSession } from '../../src/session/service.ts';
import { createDatabase } from '../support/harness.ts';

describe('the queue of activations', () => {
  const stack = new AsyncDisposableStack();
  const logger = createSilentLogger();
  let client: DatabaseClient;
  let queue: ActivationQueue;
  before(async () => {
    const { url } = stack.use(await createDatabase());
    client = stack.use(createDatabaseClient({ connectionString: url }, { logger }));
    queue = stack.use(new ActivationQueue({ database: client, logger }));
    await queue.start();
  });
  after(async () => await stack.disposeAsync());

  const send = async (id: string, tenantId = 'default'): Promise<boolean> =>
    await client.db.transaction().execute(async (trx) => await queue.send(trx, { id, tenantId }));
  const complete = async (job: ActivationJob | undefined): Promise<void> =>
    await client.db
      .transaction()
      .execute(async (trx) => await queue.complete(trx, job ?? assert.fail('no job was taken')));
  const takeAll = async (): Promise<string[]> => {
    const jobs = await queue.fetch(1_000);
    for (const job of jobs) await complete(job);
    return jobs.map(({ sessionId }) => sessionId);
  };

  it('holds one job per session, waiting or taken, until it is completed', async () => {
    const sessionId = newSessionId();
    assert.equal(await send(sessionId), true);
    assert.equal(await send(sessionId), false);
    const [job] = await queue.fetch(10);
    assert.equal(job?.sessionId, sessionId);
    assert.equal(await send(sessionId), false);
    await complete(job);
    assert.equal(await send(sessionId), true);
    await client.db.transaction().execute(async (trx) => await queue.withdraw(trx, sessionId));
    assert.deepEqual(await queue.fetch(10), []);
  });

  it('sends nothing when the transaction is rolled back', async () => {
    const failing = client.db.transaction().execute(async (trx) => {
      await queue.send(trx, { id: newSessionId(), tenantId: 'default' });
      throw new Error('rolled back');
    });
    await assert.rejects(failing, /rolled back/);
    assert.deepEqual(await queue.fetch(10), []);
  });

  it('gives a job that was given back to the next one who asks, and nothing to the one who had it', async () => {
    const sessionId = newSessionId();
    await send(sessionId);
    const [first] = await queue.fetch(1);
    await queue.giveBack([first?.attempt.id ?? assert.fail()]);
    const [second] = await queue.fetch(1);
    assert.equal(second?.sessionId, sessionId);
    await complete(first);
    assert.equal(await send(sessionId), false, 'the second attempt still holds it');
    await complete(second);
  });

  // The bus only tells workers, and there is none.
  const bus = { publish: () => {}, publishEvents: () => {} } as unknown as SessionServices['bus'];
  let services: SessionServices;
  before(() => {
    const maxQueued = { perSession: 10, sessions: 100 };
    const { signal: closing } = new AbortController();
    services = { db: client.db, bus, queue, workspaceRoots: [], confines: false, maxQueued, closing };
  });
  const start = async (tenantId: string): Promise<string> => {
    const nothing = { content: null, cwd: null, title: null, metadata: null, maxBudgetUsd: null, once: null };
    const asker: Identity = { ...LOCAL_USER, tenantId };
    return (await startSession(services, { ...nothing, prompt: 'hello', options: {}, asker })).value;
  };

  it("lets a tenant's first session overtake another tenant's backlog", async () => {
    const flood: string[] = [];
    for (let n = 0; n < 20; n++) flood.push(await start('busy'));
    const single = await start('quiet');
    assert.equal(await queue.position(single), 2);
    assert.deepEqual(await takeAll(), [flood[0], single, ...flood.slice(1)]);
  });

  it('ends a burst before what comes after it, however steadily that comes', async () => {
    const burst: string[] = [];
    for (let n = 0; n < 10; n++) burst.push(await start('bursting'));
    const ended: string[] = [];
    let open = burst.length;
    while (ended.length < burst.length) {
      const [job] = await queue.fetch(1);
      await complete(job);
      ended.push(job?.sessionId ?? '');
      open--;
      await client.db
        .updateTable('sessions')
        .set({ status: 'completed' })
        .where('id', '=', ended.at(-1) ?? '')
        .execute();
      for (; open < 5; open++) await start('bursting');
    }
    assert.deepEqual(ended, burst);
    assert.equal((await takeAll()).length, 5);
  });

  it('forgets what a tenant took back: its next session does not wait for that', async () => {
    const burst: string[] = [];
    for (let n = 0; n < 10; n++) burst.push(await start('regretful'));
    const other = [await start('other'), await start('other')];
    await client.db.transaction().execute(async (trx) => {
      for (const id of burst) await queue.withdraw(trx, id);
    });
    const next = await start('regretful');
    assert.deepEqual(await takeAll(), [other[0], next, other[1]]);
  });

  it('gives each session of a tenant a round of its own, also when they are started at once', async () => {
    const many = await Promise.all(Array.from({ length: 10 }, async () => await start('hasty')));
    const single = await start('calm');
    assert.equal(await queue.position(single), 2);
    assert.deepEqual(new Set(await takeAll()), new Set([...many, single]));
  });

  it('says of none that a worker is about to take it while as many stand ahead of it as there are free slots', async () => {
    await client.db
      .insertInto('workers')
      .values({ id: randomUUID(), node_id: randomUUID(), hostname: 'test', pid: 1, max_sessions: 2 })
      .execute();
    const ids = [await start('full'), await start('full'), await start('full')];
    const reasons = [];
    for (const id of ids) {
      const { queue: place } = await getSessionDetail(services, { tenantId: 'full', id });
      reasons.push(place?.reason);
    }
    assert.deepEqual(reasons, ['starting', 'starting', 'all_slots_in_use']);
    await takeAll();
  });

  it('shows the places in which sessions are then taken', async () => {
    const ids: string[] = [];
    for (const tenantId of ['a', 'a', 'b', 'a', 'c', 'b', 'a']) ids.push(await start(tenantId));
    const [first] = await queue.fetch(1);
    await queue.giveBack([first?.attempt.id ?? assert.fail()]);
    for (const tenantId of ['b', 'd', 'a']) ids.push(await start(tenantId));
    const places = new Map<string, number>();
    for (const id of ids) places.set(id, (await queue.position(id)) ?? 0);
    const shown = ids.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
    assert.deepEqual(
      [...places.values()].toSorted((a, b) => a - b),
      ids.map((_, n) => n + 1),
    );
    assert.deepEqual(await takeAll(), shown);
  });
});

describe('an error of the queue', () => {
  it('is one of the database where that is away, also as its workers tell of it', () => {
    const thrown = new Error('Connection terminated due to connection timeout');
    const told = { ...thrown, message: `${thrown.message} (Queue: activation)`, stack: thrown.stack };
    assert.ok(isDatabaseUnavailable(asError(told)));
    assert.equal(asError(thrown), thrown);
    assert.ok(!isDatabaseUnavailable(asError({ message: 'of another kind' })));
  });
});
