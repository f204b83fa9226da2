import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createDatabaseClient, type DatabaseClient } from '../src/db/client.ts';
import { DEFAULT_TENANT } from '../src/db/database.ts';
import { Notifications } from '../src/db/notifications.ts';
import { EventBus } from '../src/event/bus.ts';
import type { EventDraft, StoredEvent } from '../src/event/event.ts';
import { EventLog, StaleFenceError } from '../src/event/event-log.ts';
import { readEvents } from '../src/event/feed.ts';
import { appendFenced, insertEvents, listEvents } from '../src/event/store.ts';
import { newBatchId, newSessionId } from '../src/ids.ts';
import { createSilentLogger } from '../src/log.ts';
import { insertSession } from '../src/session/store.ts';
import { createDatabase } from './harness.ts';

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
  const textOf = (event: StoredEvent): unknown => (event.data as { text?: unknown }).text;

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
    const events = await listEvents(client.db, { sessionId: id, after: 0, limit: 1000 });
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
    const events = await listEvents(client.db, { sessionId: id, after: 0, limit: 10 });
    assert.deepEqual(events.map(textOf), ['in time']);
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
    assert.equal((await listEvents(client.db, { sessionId: id, after: 0, limit: 10 })).length, 2);
  });

  it('P4: gives a reader every event once across the cut-over from stored to live, large ones and lost signals too', async () => {
    const id = await newSession();
    const total = 300;
    for (let n = 1; n <= 50; n++) await log.append(id, 0, draft(String(n)));
    const seen: number[] = [];
    const reading = (async () => {
      const signal = AbortSignal.timeout(30_000);
      for await (const event of readEvents({ db: client.db, bus }, { sessionId: id, after: 10, signal })) {
        seen.push(event.seq);
        if (event.seq === total) return;
      }
    })();
    for (let n = 51; n <= total; n++) {
      if (n % 50 === 0) await log.append(id, 0, draft('x'.repeat(20_000)));
      // Appended without a signal, as by a node that died before it could publish.
      else if (n % 7 === 0)
        await appendFenced(client.db, newBatchId(), [{ sessionId: id, fence: 0, draft: draft('quiet') }]);
      else void log.append(id, 0, draft(String(n)));
      if (n % 20 === 0) await log.append(id, 0, draft('await')).then(() => n++);
    }
    const { last_seq } = await client.db
      .selectFrom('sessions')
      .select('last_seq')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    for (let seq = last_seq + 1; seq <= total; seq++) await log.append(id, 0, draft('rest'));
    await reading;
    assert.deepEqual(
      seen,
      Array.from({ length: total - 10 }, (_, n) => n + 11),
    );
  });
});
