import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DatabaseError } from 'pg';
import { retryConflicts, retryWhileUnavailable } from './retry.ts';

function databaseError(code: string): DatabaseError {
  const error = new DatabaseError('words that depend on the language of the server', 0, 'error');
  error.code = code;
  return error;
}

/** Fails in these ways, one after the other, and then succeeds. */
function failing(codes: readonly string[]): { work: () => Promise<string>; tries: () => number } {
  let tries = 0;
  const work = async (): Promise<string> => {
    const code = codes[tries++];
    if (code !== undefined) throw databaseError(code);
    return 'done';
  };
  return { work, tries: () => tries };
}

const times = (count: number, code: string): string[] => Array.from({ length: count }, () => code);
const never = new AbortController().signal;

describe('work on the database', () => {
  for (const code of ['40P01', '40001']) {
    it(`is repeated after ${code}, but not for ever`, async () => {
      assert.equal(await retryConflicts(failing(times(5, code)).work), 'done');
      assert.equal(await retryWhileUnavailable(failing(times(5, code)).work, never), 'done');
      for (const run of [retryConflicts, retryWhileUnavailable]) {
        const { work, tries } = failing(times(1_000, code));
        await assert.rejects(run(work, never), { code });
        assert.equal(tries(), 6);
      }
    });
  }

  it('is repeated once, on another connection, when its own was in a failed transaction', async () => {
    for (const run of [retryConflicts, retryWhileUnavailable]) {
      assert.equal(await run(failing(['25P02']).work, never), 'done');
      await assert.rejects(run(failing(['25P02', '25P02']).work, never), { code: '25P02' });
    }
  });

  it('is repeated for as long as the database is away, when it must not fail', async () => {
    const told: unknown[] = [];
    const { work } = failing(['57P01', '08006', '53300']);
    assert.equal(await retryWhileUnavailable(work, never, (error) => told.push(error)), 'done');
    assert.equal(told.length, 3);
  });

  it('waits for a lock, and is repeated a few times when it was cancelled, when it must not fail', async () => {
    const { work } = failing(['55P03', '57014']);
    assert.equal(await retryWhileUnavailable(work, never), 'done');
    const cancelled = failing(times(1_000, '57014'));
    await assert.rejects(retryWhileUnavailable(cancelled.work, never), { code: '57014' });
    assert.equal(cancelled.tries(), 6);
    for (const code of ['55P03', '57014', '57P01']) {
      await assert.rejects(retryConflicts(failing([code]).work), { code });
    }
  });

  it('is not repeated when that would never help', async () => {
    for (const code of ['08P01', '23505', '53400', '57P04', '58P01']) {
      const { work, tries } = failing([code]);
      await assert.rejects(retryWhileUnavailable(work, never), { code });
      assert.equal(tries(), 1);
    }
  });

  it('is given up when it is told so, with the error that it met last', async () => {
    const stopping = new AbortController();
    const { work } = failing(times(1_000, '57P01'));
    const running = retryWhileUnavailable(work, stopping.signal, () => stopping.abort());
    await assert.rejects(running, { code: '57P01' });
  });
});
