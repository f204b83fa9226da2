import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenBucket } from './token-bucket.ts';

describe('a token bucket', () => {
  it('gives a second of its rate at once, then as time passes', () => {
    const bucket = new TokenBucket(4, 0);
    for (let n = 0; n < 4; n++) assert.equal(bucket.take(4, 0), 0);
    assert.equal(bucket.take(4, 0), 0.25);
    assert.equal(bucket.take(4, 250), 0);
    assert.equal(bucket.take(4, 300), 0.2);
  });

  it('holds no more than a second of its rate, however long nobody asks', () => {
    const bucket = new TokenBucket(2, 0);
    const taken = [1, 2, 3].map(() => bucket.take(2, 3_600_000));
    assert.deepEqual(taken, [0, 0, 0.5]);
  });

  it('gives one at a time at rates below one', () => {
    const bucket = new TokenBucket(0.5, 0);
    assert.deepEqual([bucket.take(0.5, 0), bucket.take(0.5, 0), bucket.take(0.5, 2_000)], [0, 2, 0]);
  });
});
