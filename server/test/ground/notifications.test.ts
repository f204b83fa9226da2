import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDatabaseClient } from '../../src/ground/db/client.ts';
import { Notifications } from '../../src/ground/db/notifications.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { createDatabase } from '../support/harness.ts';

describe('notifications', () => {
  it('reach the listener also when they are published in the moment that the ones before were sent', async () => {
    await using database = await createDatabase();
    const logger = createSilentLogger();
    const target = { connectionString: database.url };
    await using client = createDatabaseClient(target, { logger });
    await using notifications = new Notifications({ target, pool: client.pool, logger });
    const received: string[] = [];
    const last = Promise.withResolvers<void>();
    await notifications.start({
      onConnected: () => {},
      onPayload: (payload) => {
        received.push(payload);
        if (payload === 'last') last.resolve();
        // From here the next publish falls into every phase of the flush before it, microtask by microtask.
        else void publishLater(received.length);
      },
    });
    const publishLater = async (microtasks: number): Promise<void> => {
      for (let n = 0; n < microtasks % 12; n++) await null;
      notifications.publish([]);
      notifications.publish([received.length < 200 ? `number ${received.length}` : 'last']);
    };
    notifications.publish([]);
    notifications.publish(['first']);
    await last.promise;
    assert.equal(received.length, 201);
  });
});
