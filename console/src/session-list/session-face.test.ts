import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faceOf } from './session-face.ts';

describe('the face of a session', () => {
  it('tells what works from what waits for a worker', () => {
    assert.equal(faceOf({ state: 'working', status: 'running' }), 'working');
    assert.equal(faceOf({ state: 'working', status: 'pending' }), 'queued');
  });

  it('needs you, whatever else', () => {
    assert.equal(faceOf({ state: 'needs_you', status: 'pending' }), 'needs_you');
  });

  it('says how it ended, read or not', () => {
    assert.equal(faceOf({ state: 'unread', status: 'completed' }), 'unread');
    assert.equal(faceOf({ state: 'unread', status: 'error' }), 'failed_unread');
    assert.equal(faceOf({ state: 'unread', status: 'cancelled' }), 'cancelled_unread');
    assert.equal(faceOf({ state: 'idle', status: 'error' }), 'failed');
    assert.equal(faceOf({ state: 'idle', status: 'cancelled' }), 'cancelled');
    assert.equal(faceOf({ state: 'idle', status: 'completed' }), 'idle');
  });
});
