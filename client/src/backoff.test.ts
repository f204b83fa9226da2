import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs, wait } from './backoff.ts';

describe('the wait before a repetition', () => {
  it('doubles up to 10 s, with up to a half taken off', () => {
    const longest = [0, 1, 2, 5, 6, 50].map((attempt) => backoffMs(attempt, {}, () => 0));
    assert.deepEqual(longest, [250, 500, 1_000, 8_000, 10_000, 10_000]);
    assert.deepEqual(
      longest.map((_, index) => backoffMs([0, 1, 2, 5, 6, 50][index] ?? 0, {}, () => 1)),
      longest.map((ms) => ms / 2),
    );
  });

  it('is never shorter than the server asked for', () => {
    for (const random of [0, 0.5, 1]) {
      const ms = backoffMs(9, { retryAfterMs: 3_000 }, () => random);
      assert.ok(ms >= 3_000 && ms <= 4_000, String(ms));
    }
  });

  it('ends at once when the signal aborts', async () => {
    const controller = new AbortController();
    const waiting = wait(3_600_000, controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(wait(3_600_000, controller.signal), /enough/);
  });
});
