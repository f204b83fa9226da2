import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { createSignInLink } from '../../server/src/command/sign-in-link.ts';
import { createSilentLogger } from '../../server/src/ground/log.ts';
import type { TestServer } from '../../server/test/support/harness.ts';
import { type Console, startConsole } from './support/console.ts';
import { makeKey } from './support/sign-in.ts';

/** Chromium says so of every answer of 401; the page needs them to know. */
const refused = /status of 401/;

describe('a browser', () => {
  let console: Console;
  let key: string;
  let admin: TestServer;
  before(async () => {
    console = await startConsole();
    key = await makeKey(console.server, ['operator']);
    admin = console.server.as(key);
  });
  after(async () => await console[Symbol.asyncDispose]());

  const enter = async (page: Page, apiKey: string): Promise<void> => {
    await page.getByLabel('API key').fill(apiKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const isSignedIn = async (page: Page): Promise<void> =>
    await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();

  it('signs in with a key, comes to where it wanted to go, and signs out', async () => {
    const sessionId = await admin.execute({ prompt: 'hello' });
    await admin.ended(sessionId);
    await using watched = await console.open(`/sessions/${sessionId}`);
    watched.tolerate(refused);
    const { page } = watched;
    await enter(page, key);
    await page.getByRole('log').getByText('hello').first().waitFor();
    await page.goto(`${console.server.url}/console/settings`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByLabel('API key').waitFor();
    await page.goto(`${console.server.url}/console/sessions`);
    await page.getByLabel('API key').waitFor();
  });

  it('keeps nothing that a script could read', async () => {
    await using watched = await console.open('/sessions');
    watched.tolerate(refused);
    const { page } = watched;
    await enter(page, key);
    await isSignedIn(page);
    const seen = await page.evaluate(() =>
      JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
    );
    assert.doesNotMatch(seen, /grk_/);
    const [cookie, ...others] = await page.context().cookies();
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, others], [true, 'Strict', []]);
    assert.ok(!seen.includes(cookie?.value ?? assert.fail('no cookie')));
  });

  it('is told that a key opens nothing', async () => {
    await using watched = await console.open('/sessions');
    watched.tolerate(refused);
    await enter(watched.page, `${key.slice(0, -4)}0000`);
    await watched.page.getByRole('alert').waitFor();
    assert.equal((await watched.page.context().cookies()).length, 0);
  });

  it('is signed out at once when its key is revoked', async () => {
    const made = await admin.request('POST', '/api-keys', { name: 'short-lived', scopes: ['operator'] });
    await using watched = await console.open('/sessions');
    watched.tolerate(refused);
    await enter(watched.page, made.body.key);
    await isSignedIn(watched.page);
    await watched.page.getByText('Live', { exact: true }).waitFor();
    await admin.request('DELETE', `/api-keys/${made.body.api_key_id}`);
    await watched.page.getByLabel('API key').waitFor();
  });

  it('signs in with a one-time link of the operator, once', async () => {
    const link = await createSignInLink(
      { config: console.server.config, logger: createSilentLogger() },
      console.server.url,
    );
    const path = link.replace(`${console.server.url}/console`, '');
    await using first = await console.open(path);
    first.tolerate(refused);
    await isSignedIn(first.page);
    assert.doesNotMatch(first.page.url(), /code/);
    await using second = await console.open(path);
    second.tolerate(refused);
    await second.page.getByRole('alert').waitFor();
  });
});

describe('the local user of a server without keys', () => {
  it('is not asked for any', async () => {
    await using console = await startConsole();
    await using watched = await console.open('/');
    await watched.page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
    await watched.page.getByText('Live', { exact: true }).waitFor();
  });
});
