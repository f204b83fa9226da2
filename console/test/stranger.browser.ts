import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import type { TestServer } from '../../server/test/support/harness.ts';
import { type Console, startConsole } from './support/console.ts';
import { type PageServer, servePage } from './support/page-server.ts';
import { makeKey, signIn } from './support/sign-in.ts';

type Request = { method?: string; mode?: RequestMode; body?: string; headers?: Record<string, string> };

/** What the page gets to see of an answer. */
async function attempt(page: Page, request: { url: string; init: Request }): Promise<string> {
  return await page.evaluate(async ({ url, init }) => {
    try {
      const response = await fetch(url, { credentials: 'include', ...init });
      return response.type === 'opaque'
        ? 'sent blindly'
        : `read: ${response.status} ${await response.text()}`;
    } catch {
      return 'nothing';
    }
  }, request);
}

describe('a page on another port of this host, in a browser that is signed in', () => {
  let console: Console;
  let stranger: PageServer;
  let page: Page;
  let holder: TestServer;
  let sessionId: string;
  before(async () => {
    console = await startConsole();
    stranger = await servePage('<!doctype html><title>Stranger</title>');
    const key = await makeKey(console.server, ['operator']);
    holder = console.server.as(key);
    sessionId = await holder.execute({ prompt: 'hello' });
    await holder.ended(sessionId);
    const context = await console.browser.newContext();
    await signIn(await context.newPage(), { server: console.server, key });
    page = await context.newPage();
    await page.goto(stranger.origin);
  });
  after(async () => {
    await stranger[Symbol.asyncDispose]();
    await console[Symbol.asyncDispose]();
  });

  /** The browser does send the cookie: other ports are of the same site. */
  const cookies = async (): Promise<number> => (await page.context().cookies(console.server.url)).length;

  it('reads nothing', async () => {
    assert.equal(await cookies(), 1);
    for (const path of [
      '/me',
      '/sessions',
      `/status/${sessionId}`,
      '/events',
      `/sessions/${sessionId}/stream`,
    ]) {
      const url = console.server.url + path;
      assert.equal(await attempt(page, { url, init: {} }), 'nothing', path);
      assert.equal(await attempt(page, { url, init: { mode: 'no-cors' } }), 'nothing', path);
    }
  });

  it('starts, changes and deletes nothing', async () => {
    const body = JSON.stringify({ prompt: 'I am a stranger' });
    const blind = { method: 'POST', mode: 'no-cors' as const };
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
      for (const mode of ['no-cors', 'cors'] as const) {
        const init = { method: 'POST', mode, body, headers: { 'content-type': type } };
        assert.equal(await attempt(page, { url: `${console.server.url}/execute/`, init }), 'nothing', type);
      }
    }
    for (const path of [
      `/sessions/${sessionId}/interrupt`,
      `/cancel/${sessionId}`,
      '/sign-out',
      '/stream-tickets',
    ]) {
      assert.equal(await attempt(page, { url: console.server.url + path, init: blind }), 'nothing', path);
    }
    const remove = { method: 'DELETE' };
    assert.equal(
      await attempt(page, { url: `${console.server.url}/sessions/${sessionId}`, init: remove }),
      'nothing',
    );
    const sessions = await Array.fromAsync(holder.client.sessions.list());
    assert.deepEqual(
      sessions.map((session) => [session.session_id, session.status]),
      [[sessionId, 'completed']],
    );
    assert.equal(await cookies(), 1);
  });

  it('starts nothing with a form, and shows nothing in a frame', async () => {
    const form = await page.context().newPage();
    await form.goto(stranger.origin);
    await form.setContent(
      `<form method="post" enctype="text/plain" action="${console.server.url}/execute/">
        <input name='{"prompt":"I am a stranger","x":"' value='"}'></form>`,
    );
    const [answer] = await Promise.all([
      form.waitForResponse(`${console.server.url}/execute/`),
      form.evaluate(() => document.forms[0]?.submit()),
    ]);
    assert.equal(answer.status(), 403);
    assert.equal((await Array.fromAsync(holder.client.sessions.list())).length, 1);

    await page.setContent(`<iframe src="${console.server.url}/console/"></iframe>`);
    const frame = page.frames().find((candidate) => candidate !== page.mainFrame());
    await page.waitForFunction(() => document.querySelector('iframe')?.contentDocument === null);
    assert.equal(frame?.url(), 'chrome-error://chromewebdata/');
  });
});
