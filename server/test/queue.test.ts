import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Identity, LOCAL_USER } from '../src/api-key/identity.ts';
import { createDatabaseClient, type DatabaseClient } from '../src/db/client.ts';
import { newSessionId } from '../src/ids.ts';
import { createSilentLogger } from '../src/log.ts';
import { ActivationQueue } from '../src/queue/queue.ts';
import { startSession } from '../src/session/service.ts';
import { createDatabase } from './harness.ts';

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

  const send = async (sessionId: string, priority = 0): Promise<boolean> =>
    await client.db.transaction().execute(async (trx) => await queue.send(trx, { sessionId, priority }));

  it('holds one job per session, waiting or taken, until it is completed', async () => {
    const sessionId = newSessionId();
    assert.equal(await send(sessionId), true);
    assert.equal(await send(sessionId), false);
    const [job] = await queue.fetch(10);
    assert.equal(job?.sessionId, sessionId);
    assert.equal(await send(sessionId), false);
    await client.db.transaction().execute(async (trx) => await queue.complete(trx, job ?? assert.fail()));
    assert.equal(await send(sessionId), true);
    await client.db.transaction().execute(async (trx) => await queue.withdraw(trx, sessionId));
    assert.deepEqual(await queue.fetch(10), []);
  });

  it('sends nothing when the transaction is rolled back', async () => {
    const failing = client.db.transaction().execute(async (trx) => {
      await queue.send(trx, { sessionId: newSessionId(), priority: 0 });
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
    await client.db.transaction().execute(async (trx) => await queue.complete(trx, first ?? assert.fail()));
    assert.equal(await send(sessionId), false, 'the second attempt still holds it');
    await client.db.transaction().execute(async (trx) => await queue.complete(trx, second ?? assert.fail()));
  });

  it("lets a tenant's first session overtake another tenant's backlog", async () => {
    // The bus only tells workers, and there is none.
    const bus = { publish: () => {}, publishEvents: () => {} } as unknown as Parameters<
      typeof startSession
    >[0]['bus'];
    const maxQueued = { perSession: 10, sessions: 100 };
    const services = { db: client.db, bus, queue, workspaceRoots: [], confines: false, maxQueued };
    const nothing = { content: null, cwd: null, title: null, metadata: null, maxBudgetUsd: null, once: null };
    const asker = (tenantId: string): Identity => ({ ...LOCAL_USER, tenantId });
    const start = async (tenantId: string): Promise<string> =>
      (await startSession(services, { ...nothing, prompt: 'hello', options: {}, asker: asker(tenantId) }))
        .value;
    const flood: string[] = [];
    for (let n = 0; n < 20; n++) flood.push(await start('busy'));
    const single = await start('quiet');
    assert.equal(await queue.position(single), 2);
    const order = (await queue.fetch(30)).map((job) => job.sessionId);
    assert.deepEqual(order, [flood[0], single, ...flood.slice(1)]);
  });
});
