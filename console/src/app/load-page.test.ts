import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPartNotLoaded, loadPage } from './load-page.ts';

describe('a part that does not come', () => {
  it('fails in words that the router does not take for a reason to reload', async () => {
    const missing = new TypeError('Failed to fetch dynamically imported module: http://127.0.0.1/x.js');
    await assert.rejects(
      loadPage(async () => await Promise.reject(missing)),
      (error) => error instanceof Error && isPartNotLoaded(error) && !error.message.startsWith('Failed'),
    );
    assert.equal(await loadPage(async () => 'a page'), 'a page');
  });

  it('is told from an error within a part', () => {
    for (const message of [
      'Failed to fetch dynamically imported module: http://127.0.0.1/x.js',
      'error loading dynamically imported module: http://127.0.0.1/x.js',
      'Importing a module script failed.',
    ]) {
      assert.equal(isPartNotLoaded(new TypeError(message)), true, message);
    }
    assert.equal(isPartNotLoaded(new TypeError('x is not a function')), false);
  });
});
