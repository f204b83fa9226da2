import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql, type Transaction } from 'kysely';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { commit } from '../../src/session/commit.ts';
import type { EventBus } from '../../src/session/event/bus.ts';
import { createDatabase } from '../support/harness.ts';

// The bus only tells nodes, and there are none.
const bus = { publish: () => {}, publishEvents: () => {} } as unknown as EventBus;

describe('a change of the database', () => {
  it('that loses in a deadlock is made again, from its beginning', async () => {
    await using database = await createDatabase();
    await using client = createDatabaseClient(
      { connectionString: database.url },
      { logger: createSilentLogger() },
    );
    const { db } = client;
    const lock = async (trx: Transaction<Database>, id: number): Promise<void> => {
      await sql`select pg_advisory_xact_lock(${id})`.execute(trx);
    };
    const holding = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let tries = 0;
    /** Locks both in this order; the first time only when the other one has its first. */
    const change = async (first: number, second: number): Promise<string> =>
      await commit({ db, bus }, async (trx) => {
        tries++;
        await lock(trx, first);
        holding[first]?.resolve();
        await holding[second]?.promise;
        await lock(trx, second);
        return { value: 'made' };
      });
    assert.deepEqual(await Promise.all([change(0, 1), change(1, 0)]), ['made', 'made']);
    assert.equal(tries, 3);
  });
});
