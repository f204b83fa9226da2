import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { TestServer } from '../../../server/test/support/harness.ts';

/** The first key of a server is made by its local user, and is needed from then on. */
export async function makeKey(server: TestServer, scopes: readonly string[]): Promise<string> {
  const { status, body } = await server.request('POST', '/api-keys', { name: 'Ada', scopes });
  assert.equal(status, 201, JSON.stringify(body));
  return body.key;
}

/** As the console does it, without its page: by a request of the server's own origin. */
export async function signIn(
  page: Page,
  { server, key }: { server: TestServer; key: string },
): Promise<void> {
  await page.goto(`${server.url}/console/favicon.svg`);
  const status = await page.evaluate(async (apiKey) => {
    const body = JSON.stringify({ api_key: apiKey });
    const headers = { 'content-type': 'application/json' };
    return (await fetch('/sign-in', { method: 'POST', headers, body })).status;
  }, key);
  assert.equal(status, 200);
}
