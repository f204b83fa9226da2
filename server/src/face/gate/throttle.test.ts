import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FailureThrottle } from './throttle.ts';

describe('FailureThrottle', () => {
  const fail = (throttle: FailureThrottle, ip: string, times: number): void => {
    for (let time = 0; time < times; time++) throttle.noteFailure(ip);
  };

  it('blocks an address after 20 failures, and lets it try once more every 3 s', () => {
    let now = 0;
    const throttle = new FailureThrottle(() => now);
    fail(throttle, '192.0.2.1', 19);
    assert.equal(throttle.isBlocked('192.0.2.1'), false);
    throttle.noteFailure('192.0.2.1');
    assert.equal(throttle.retryAfterSeconds('192.0.2.1'), 3);
    assert.equal(throttle.isBlocked('192.0.2.2'), false);
    now += 3_000;
    assert.equal(throttle.isBlocked('192.0.2.1'), false);
    fail(throttle, '192.0.2.1', 50);
    assert.equal(throttle.retryAfterSeconds('192.0.2.1'), 3, 'failures while blocked do not add up');
  });

  it('takes 64 bits of IPv6 for one address, and IPv4 in IPv6 for IPv4', () => {
    const throttle = new FailureThrottle(() => 0);
    for (let host = 0; host < 20; host++) throttle.noteFailure(`2001:db8:1:1::${host.toString(16)}`);
    assert.equal(throttle.isBlocked('2001:db8:1:1:ffff::1'), true);
    assert.equal(throttle.isBlocked('2001:db8:1:2::1'), false);
    fail(throttle, '::ffff:192.0.2.9', 20);
    assert.equal(throttle.isBlocked('192.0.2.9'), true);
  });

  it('forgets those noted longest ago rather than grow without end', () => {
    const throttle = new FailureThrottle(() => 0);
    fail(throttle, '192.0.2.1', 20);
    for (let i = 0; i < 10_000; i++) throttle.noteFailure(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(throttle.isBlocked('192.0.2.1'), false);
  });
});
