import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createDatabaseClient, type DatabaseClient } from '../../src/ground/db/client.ts';
import { Notifications } from '../../src/ground/db/notifications.ts';
import { DEFAULT_TENANT } from '../../src/ground/identity.ts';
import { newBatchId, newSessionId } from '../../src/ground/ids.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { EventBus } from '../../src/session/event/bus.ts';
import type { EventDraft, EventView } from '../../src/session/event/event.ts';
import { EventLog, StaleFenceError } from '../../src/session/event/event-log.ts';
import { appendFenced, insertEvents } from '../../src/session/event/store.ts';
import { insertSession } from '../../src/session/store.ts';
import { readTable } from '../support/event-source.ts';
import { createDatabase } from '../support/harness.ts';

describe('the event log', () => {
  const stack = new AsyncDisposableStack();
  const logger = createSilentLogger();
  let client: DatabaseClient;
  let bus: EventBus;
  let log: EventLog;

  before(async () => {
    const { url } = stack.use(await createDatabase());
    const target = { connectionString: url };
    client = stack.use(createDatabaseClient(target, { logger }));
    bus = new EventBus(stack.use(new Notifications({ target, pool: client.pool, logger })));
    await bus.start();
    log = stack.use(new EventLog({ db: client.db, bus, logger }));
  });
  after(async () => await stack.disposeAsync());

  async function newSession(): Promise<string> {
    const id = newSessionId();
    const session = {
      id,
      tenantId: DEFAULT_TENANT,
      options: {},
      cwd: null,
      title: null,
      metadata: {},
      maxBudgetUsd: null,
      apiKeyId: null,
    };
    await client.db.transaction().execute(async (trx) => await insertSession(trx, session));
    return id;
  }

  const draft = (text: string): EventDraft => ({
    kind: 'sdk',
    data: { type: 'test', text },
    turnId: null,
    at: new Date(),
  });
  const textOf = (event: EventView): unknown => (event.data as { text?: unknown }).text;

  it('P4: numbers events densely and in order, whoever writes them and however many at once', async () => {
    const id = await newSession();
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        if (n % 10 !== 0) return await log.append(id, 0, draft(String(n)));
        await client.db
          .transaction()
          .execute(async (trx) => await insertEvents(trx, id, [draft('from a transaction')]));
      }),
    );
    const events = await readTable(client.db, id);
    assert.deepEqual(
      events.map((event) => event.seq),
      Array.from({ length: 200 }, (_, n) => n + 1),
    );
    const appended = events
      .map(textOf)
      .filter((text) => text !== 'from a transaction')
      .map(Number);
    assert.deepEqual(
      appended,
      appended.toSorted((a, b) => a - b),
    );
  });

  it('P2: stores nothing for a fence that is not the newest', async () => {
    const id = await newSession();
    await client.db.updateTable('sessions').set({ fence: 5 }).where('id', '=', id).execute();
    await assert.rejects(log.append(id, 4, draft('late')), StaleFenceError);
    await log.append(id, 5, draft('in time'));
    const events = await readTable(client.db, id);
    assert.deepEqual(events.map(textOf), ['in time']);
  });

  it('stores the events of other sessions while one is locked, and those of that one in order when it is free', async () => {
    const [locked, free] = [await newSession(), await newSession()];
    const held: Promise<void>[] = [];
    await client.db.transaction().execute(async (trx) => {
      await trx.selectFrom('sessions').select('id').where('id', '=', locked).forUpdate().execute();
      for (let n = 1; n <= 3; n++) {
        held.push(log.append(locked, 0, draft(String(n))));
        await log.append(free, 0, draft(String(n)));
      }
      assert.deepEqual(await readTable(client.db, locked), []);
    });
    held.push(log.append(locked, 0, draft('4')));
    await Promise.all(held);
    await log.append(locked, 0, draft('5'));
    assert.deepEqual((await readTable(client.db, free)).map(textOf), ['1', '2', '3']);
    const events = await readTable(client.db, locked);
    assert.deepEqual(events.map(textOf), ['1', '2', '3', '4', '5']);
    assert.deepEqual(
      events.map((event) => event.seq),
      [1, 2, 3, 4, 5],
    );
  });

  it('P2: tells who waited for a locked session that it was taken over meanwhile', async () => {
    const id = await newSession();
    const waiting = await client.db.transaction().execute(async (trx) => {
      await trx.updateTable('sessions').set({ fence: 1 }).where('id', '=', id).execute();
      const late = log.append(id, 0, draft('late'));
      late.catch(() => {});
      await log.append(await newSession(), 0, draft('beside it'));
      return { late };
    });
    await assert.rejects(waiting.late, StaleFenceError);
    assert.deepEqual(await readTable(client.db, id), []);
  });

  it('stores a batch once, however often it is repeated', async () => {
    const id = await newSession();
    const batch = [
      { sessionId: id, fence: 0, draft: draft('one') },
      { sessionId: id, fence: 0, draft: draft('two') },
    ];
    const batchId = newBatchId();
    assert.equal((await appendFenced(client.db, batchId, batch)).length, 2);
    assert.equal((await appendFenced(client.db, batchId, batch)).length, 0);
    assert.equal((await readTable(client.db, id)).length, 2);
  });
});
