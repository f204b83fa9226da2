import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BulkProgress, bulkActs, runBulk, touches } from './bulk.ts';
import { sampleSummary } from './sample-summary.ts';

const ids = Array.from({ length: 20 }, (_, at) => String(at));

describe('an act on many sessions', () => {
  it('touches only those to which it does something', () => {
    const touchedBy = (given: Parameters<typeof sampleSummary>[0]): string[] =>
      bulkActs.filter((act) => touches(act, sampleSummary(given)));
    assert.deepEqual(touchedBy({}), ['archive', 'delete']);
    assert.deepEqual(touchedBy({ state: 'unread' }), ['archive', 'read', 'delete']);
    assert.deepEqual(touchedBy({ state: 'working', status: 'pending' }), ['archive', 'cancel']);
    assert.deepEqual(touchedBy({ state: 'needs_you', status: 'running', archived: true }), [
      ...['unarchive', 'cancel'],
    ]);
  });

  it('is done to each once, a few at a time', async () => {
    const begun: string[] = [];
    let running = 0;
    let most = 0;
    const result = await runBulk(
      ids,
      async (id) => {
        begun.push(id);
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
      },
      { atOnce: 4 },
    );
    assert.deepEqual(begun, ids);
    assert.equal(most, 4);
    assert.deepEqual(result, { total: 20, done: 20, failed: [] });
  });

  it('goes on where some fail, and says which and why', async () => {
    const seen: BulkProgress[] = [];
    const result = await runBulk(
      ids,
      async (id) => {
        if (Number(id) % 7 === 0) throw new Error(`no ${id}`);
      },
      { onProgress: (progress) => seen.push(progress) },
    );
    assert.equal(result.done, 17);
    assert.deepEqual(
      result.failed.map(({ id, error }) => [id, (error as Error).message]),
      ['0', '7', '14'].map((id) => [id, `no ${id}`]),
    );
    assert.equal(seen.length, 20);
    assert.deepEqual(seen.at(-1), result);
  });

  it('begins with no further one once it is stopped', async () => {
    const stop = new AbortController();
    const result = await runBulk(ids, async (id) => id === '5' && stop.abort(), {
      atOnce: 1,
      signal: stop.signal,
    });
    assert.deepEqual(result, { total: 20, done: 6, failed: [] });
  });
});
