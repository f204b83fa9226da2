import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Frame, Page } from 'playwright-core';
import { startTestServer, type TestServer } from '../../server/test/support/harness.ts';
import { launchChromium } from './support/chromium.ts';
import { countSlowly } from './support/demo-prompts.ts';
import { type PageServer, servePage } from './support/page-server.ts';

const path = fileURLToPath(new URL('./pages/classic.html', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Answer = { http: number | null; answer: any };
type Action = 'execute' | 'resume' | 'status' | 'cancel' | 'list' | 'cleanup';

/** Presses a button of the page, and returns what it then shows. */
async function press(page: Page | Frame, action: Action, prompt = ''): Promise<Answer> {
  await page.fill('#prompt', prompt);
  await page.click(`#${action}`);
  const answer = page.locator('#answer:not(:empty)');
  return JSON.parse((await answer.textContent()) ?? '');
}

/** All that a page of the classic API does: execute, status, resume, list, cancel, cleanup. */
async function useEverything(page: Page | Frame, server: TestServer): Promise<void> {
  const started = await press(page, 'execute', 'my name is Ada');
  assert.equal(started.http, 200, JSON.stringify(started));
  const sessionId = started.answer.session_id;
  await server.ended(sessionId);
  assert.equal((await press(page, 'status')).answer.status, 'completed');
  assert.equal((await press(page, 'resume', 'what is my name?')).answer.session_id, sessionId);
  await server.ended(sessionId);
  assert.match(JSON.stringify((await press(page, 'status')).answer.messages), /Ada[\s\S]*Ada/);

  const slow = (await press(page, 'execute', countSlowly(5_000))).answer.session_id;
  const listed = (await press(page, 'list')).answer;
  assert.deepEqual(listed.map((session: { session_id: string }) => session.session_id).sort(), [
    sessionId,
    slow,
  ]);
  await page.fill('#session', slow);
  assert.equal((await press(page, 'cancel')).http, 200);
  assert.equal((await server.ended(slow)).status, 'cancelled');
  assert.equal((await press(page, 'cleanup')).answer.removed, 2);
  assert.deepEqual((await press(page, 'list')).answer, []);
}

describe('a page of the classic API', () => {
  let browser: Browser;
  let site: PageServer;
  before(async () => {
    browser = await launchChromium();
    site = await servePage(await readFile(path, 'utf8'));
  });
  after(async () => {
    await browser.close();
    await site[Symbol.asyncDispose]();
  });

  const open = async (url: string, server: TestServer): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`${url}?server=${server.url}`);
    return page;
  };

  it('does all that it does from an origin that is listed', async () => {
    await using server = await startTestServer({ config: { corsOrigins: [site.origin] } });
    await useEverything(await open(`${site.origin}/`, server), server);
  });

  it('does all that it does from a file, where `null` is listed', async () => {
    await using server = await startTestServer({ config: { corsOrigins: ['null'] } });
    await useEverything(await open(pathToFileURL(path).href, server), server);
  });

  it('does so from a sandboxed frame of any website, too, where `null` is listed: the server warns of it', async () => {
    await using server = await startTestServer({ config: { corsOrigins: ['null'] } });
    const page = await browser.newPage();
    await using stranger = await servePage(
      `<iframe sandbox="allow-scripts" src="${site.origin}/?server=${server.url}"></iframe>`,
    );
    await page.goto(stranger.origin);
    const frame = page.frames().find((candidate) => candidate !== page.mainFrame());
    await useEverything(frame ?? assert.fail('no frame'), server);
  });

  it('does nothing from anywhere else', async () => {
    await using server = await startTestServer({ config: { corsOrigins: ['http://console.example'] } });
    for (const url of [`${site.origin}/`, pathToFileURL(path).href]) {
      const page = await open(url, server);
      for (const action of ['execute', 'list', 'cleanup'] as const) {
        assert.equal((await press(page, action, 'hello')).http, null, `${url} ${action}`);
      }
    }
    assert.deepEqual(await Array.fromAsync(server.client.sessions.list()), []);
  });
});
