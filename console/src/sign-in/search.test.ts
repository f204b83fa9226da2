import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSignInSearch } from './search.ts';

describe('the way on after signing in', () => {
  it('leads to places of the console alone', () => {
    assert.deepEqual(readSignInSearch({ next: '/sessions/a?panel=files' }), {
      next: '/sessions/a?panel=files',
    });
    const elsewhere = [
      'https://evil.test',
      '//evil.test',
      '/\\evil.test',
      '\\\\evil.test',
      'javascript:1',
      '',
      4,
    ];
    for (const next of [...elsewhere, '/sign-in?next=/sign-in']) {
      assert.deepEqual(readSignInSearch({ next }), {}, String(next));
    }
  });
});
