import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { run, say } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';
import { makeKey } from './support/sign-in.ts';
import { WatchedPage } from './support/watched-page.ts';

/** More than browsers allow connections to one server. */
const TABS = 7;

describe('the tabs of a browser', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('are seven, and none hangs', async () => {
    await using watched = await console.open('/sessions');
    const context = watched.page.context();
    const pages = [watched.page];
    await watched.page.getByText('Live', { exact: true }).waitFor();
    while (pages.length < TABS) {
      const page = await context.newPage();
      pages.push(page);
      await page.goto(`${console.server.url}/console/sessions`);
      await page.getByText('Live', { exact: true }).waitFor();
    }
    const areLive = async (): Promise<boolean[]> =>
      await Promise.all(
        pages.map(async (page) => (await page.getByText('Live', { exact: true }).count()) === 1),
      );
    // Those that had to give their stream up say so, and are used all the same.
    for (const page of pages) {
      await page.getByText(/^(Live|Paused: other windows are live\.)$/).waitFor();
      await page.getByRole('link', { name: 'Settings' }).click();
      await page.getByText(/^Greenroom \d/).waitFor();
    }
    const paused = pages[(await areLive()).indexOf(false)] ?? assert.fail('all have a stream');
    await paused.evaluate(() => window.dispatchEvent(new Event('focus')));
    await paused.getByText('Live', { exact: true }).waitFor();
  });

  it('have in their title and on their icon how many sessions need somebody', async () => {
    await using watched = await console.open('/settings');
    const { page } = watched;
    const icon = page.locator('link[rel=icon]');
    await page.getByText('Live', { exact: true }).waitFor();
    assert.equal(await page.title(), 'Settings · Greenroom');
    const plain = await icon.getAttribute('href');
    const sessionId = await console.server.execute({ prompt: run('touch asked.txt'), approvals: 'ask' });
    await console.server.event(sessionId, (event) => event.kind === 'approval');
    await page.waitForFunction(() => document.title === '(1) Settings · Greenroom');
    assert.notEqual(await icon.getAttribute('href'), plain);
    for await (const approval of console.server.client.approvals.list({ status: 'pending' }))
      await console.server.client.approvals.deny(approval.approval_id);
    await page.waitForFunction(() => document.title === 'Settings · Greenroom');
    assert.equal(await icon.getAttribute('href'), plain);
    await console.server.ended(sessionId);
  });
});

describe('a device with a clock that is two hours fast', () => {
  it('shows ages as the server counts them', async () => {
    await using console = await startConsole();
    const sessionId = await console.server.execute({ prompt: 'hello', title: 'Just now' });
    await console.server.ended(sessionId);
    await using watched = await WatchedPage.open(
      await console.browser.newContext({ locale: 'en-US' }),
      new URL(console.server.url).origin,
    );
    const { page } = watched;
    await page.clock.install({ time: Date.now() + 2 * 3_600_000 });
    await page.goto(`${console.server.url}/console/sessions`);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByText('Just now').first().waitFor();
    await page
      .getByText(/^[01]m$/)
      .first()
      .waitFor();
    assert.equal(await page.getByText(/^[12]h$/).count(), 0);
  });
});

/** Streams that are open when the machine falls asleep bring nothing any more, and nobody says so. */
function spyOnStreams(): void {
  const { fetch } = globalThis;
  const streams = { opened: 0, sleeping: 0 };
  Object.assign(globalThis, { streams });
  globalThis.fetch = async (...request) => {
    const response = await fetch(...request);
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
    const number = ++streams.opened;
    const silent = new TransformStream({
      transform: (chunk, controller) => {
        if (number > streams.sleeping) controller.enqueue(chunk);
      },
    });
    return new Response(response.body?.pipeThrough(silent), response);
  };
}

type WithStreams = { streams: { opened: number; sleeping: number } };

describe('a page', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('whose machine slept connects anew when it wakes, and shows what was missed', async () => {
    const { server } = console;
    const id = await runTurns(server, ['hello']);
    await using watched = await openBlank(console.browser, { server: server.url });
    const { page } = watched;
    await page.clock.install();
    await page.addInitScript(spyOnStreams);
    await page.goto(`${server.url}/console/sessions/${id}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('log').getByText('hello').first().waitFor();
    await page.evaluate(() => {
      const { streams } = globalThis as unknown as WithStreams;
      streams.sleeping = streams.opened;
    });
    await server.execute({ prompt: say('said while it slept'), resume_session_id: id });
    await server.ended(id);
    const missed = page.getByRole('log').getByText('said while it slept');
    assert.equal(await missed.count(), 0);
    // Timers are late by the time that it slept.
    await page.clock.fastForward(2 * 3_600_000);
    await missed.first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('whose network stalls says so, and comes back by itself', async () => {
    await runTurns(console.server, ['hello'], { title: 'Behind a network that stalls' });
    await using watched = await openBlank(console.browser, { server: console.server.url });
    const { page } = watched;
    await page.clock.install();
    const stalled = /\/(events|sessions\/summaries)(\?|$)/;
    // Neither refused nor answered.
    await page.route(stalled, () => {});
    await page.goto(`${console.server.url}/console/sessions`);
    await page.getByText('Connecting', { exact: false }).first().waitFor();
    const alert = page.getByRole('alert').filter({ hasText: 'Try again' }).first();
    const isTold = async (): Promise<boolean> => (await alert.count()) > 0;
    // The client asks four times, and waits a minute for each answer.
    for (let minute = 0; minute < 6 && !(await isTold()); minute++) await page.clock.runFor(60_000);
    await alert.waitFor();
    assert.equal(await page.getByText('Live', { exact: true }).count(), 0);
    await page.unroute(stalled);
    await page.clock.runFor(60_000);
    await page.getByRole('row').getByText('Behind a network that stalls').first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
  });
});

describe('a page whose key is revoked', () => {
  it('leads to the sign-in, and back to where one was, with what was being written', async () => {
    await using console = await startConsole();
    const { server } = console;
    const admin = server.as(await makeKey(server, ['operator']));
    const make = async () =>
      (await admin.request('POST', '/api-keys', { name: 'Ada', scopes: ['operator'] })).body;
    const [revoked, next] = [await make(), await make()];
    const sessionId = await admin.execute({ prompt: 'hello' });
    await admin.ended(sessionId);
    await using watched = await console.open(`/sessions/${sessionId}?panel=options`);
    watched.tolerate(/status of 401/);
    const { page } = watched;
    const enter = async (key: string): Promise<void> => {
      await page.getByLabel('API key').fill(key);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await enter(revoked.key);
    const message = page.getByRole('textbox', { name: 'Message' });
    await message.fill('half of a thought');
    await page.getByText('Live', { exact: true }).waitFor();
    await admin.request('DELETE', `/api-keys/${revoked.api_key_id}`);
    await enter(next.key);
    await message.waitFor();
    assert.equal(await message.inputValue(), 'half of a thought');
    assert.equal(new URL(page.url()).pathname, `/console/sessions/${sessionId}`);
    assert.equal(await page.getByRole('tab', { name: 'Options' }).getAttribute('aria-selected'), 'true');
    await page.getByText('Live', { exact: true }).waitFor();
  });
});
