import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Console, openBlank, openConsole, startConsole } from './support/console.ts';
import { layLine } from './support/line.ts';
import { seedSessions } from './support/seeded.ts';
import { rowOf, tabOf, topOf } from './support/session-rows.ts';

const FEW_ROWS = 120;
/** With the pinned ones, and one more where a page is cut by what came meanwhile. */
const FEW_REQUESTS = 6;

/** A row of the list reports each of its renderings to this name, where it is there. */
function countRows(): void {
  const counts: Record<string, number> = {};
  const onSessionRow = (id: string): void => {
    counts[id] = (counts[id] ?? 0) + 1;
  };
  Object.assign(globalThis, { counts, onSessionRow });
}

async function takeCounts(page: Page): Promise<Record<string, number>> {
  return await page.evaluate(() => {
    const { counts } = globalThis as unknown as { counts: Record<string, number> };
    const taken = { ...counts };
    for (const key of Object.keys(counts)) delete counts[key];
    return taken;
  });
}

/** What Chromium says of a server that is gone. */
const gone = [
  /ERR_CONNECTION_REFUSED/,
  /ERR_INCOMPLETE_CHUNKED_ENCODING/,
  /ERR_CONNECTION_RESET/,
  /ERR_EMPTY_RESPONSE/,
];

const scroller = (page: Page) => page.locator('[data-scroll-restoration-id=sessions]');
const scrollTo = async (page: Page, top: number): Promise<void> =>
  await scroller(page).evaluate((element, to) => {
    element.scrollTop = to;
  }, top);
/** The row that is the first one to be wholly in sight. */
const firstInSight = async (page: Page): Promise<string> =>
  await page.evaluate(() => {
    const rows = [...document.querySelectorAll('tr[data-session-id]')].map((row) => ({
      title: row.querySelector('[data-title]')?.textContent ?? '',
      top: row.getBoundingClientRect().top,
    }));
    const seen = rows.filter(({ top }) => top > 40).sort((a, b) => a.top - b.top);
    return seen[0]?.title ?? '';
  });

describe('a list of 10,000 sessions', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
    await seedSessions(console.server, 10_000);
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('renders one row again for what happens in one session', async () => {
    await using watched = await openBlank(console.browser, { server: console.server.url });
    const { page } = watched;
    await page.addInitScript(countRows);
    await page.goto(`${console.server.url}/console/sessions`);
    await page.getByText('Live', { exact: true }).waitFor();
    const row = page.locator('tr[data-session-id]').nth(5);
    const id = (await row.getAttribute('data-session-id')) ?? assert.fail('no row');
    await tabOf(page, 'All').getByText('10,000+', { exact: true }).waitFor();
    await takeCounts(page);
    // The counts follow the change: after them everything has been rendered.
    const counted = page.waitForResponse((response) => response.url().includes('/sessions/counts'));
    await console.server.client.sessions.update(id, { title: 'Another name' });
    await rowOf(page, 'Another name').waitFor();
    await counted;
    assert.deepEqual(Object.keys(await takeCounts(page)), [id]);
  });

  it('asks for those of one state only, in as many pages as there are of them', async () => {
    await using watched = await openBlank(console.browser, { server: console.server.url });
    const { page } = watched;
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/sessions/summaries')) asked.push(request.url());
    });
    await page.goto(`${console.server.url}/console/sessions?state=working`);
    await page.getByText('No session matches').waitFor();
    assert.ok(asked.length <= FEW_REQUESTS, `${asked.length} requests for nothing`);
  });

  it('shows the same row again after a session was looked at, far down', async (test) => {
    await using watched = await console.open('/sessions');
    const { page } = watched;
    const frames = await scrollDown(page, 600);
    const place = await firstInSight(page);
    const row = rowOf(page, place);
    const top = await topOf(row);
    await row.getByRole('link', { name: place, exact: true }).click();
    await page.getByRole('log').waitFor();
    await page.goBack();
    await row.waitFor();
    assert.ok(Math.abs((await topOf(row)) - top) <= 1);
    assert.ok((await page.locator('tr[data-session-id]').count()) < FEW_ROWS);
    test.diagnostic(`scrolling: ${JSON.stringify(frames)}`);
  });

  it('keeps what it has while the server is gone, says so, and reads again only what is looked at', async () => {
    await using line = await layLine(console.server.url);
    await using watched = await openConsole(console.browser, { server: line.url, path: '/sessions' });
    watched.tolerate(...gone);
    const { page } = watched;
    await page.getByText('Live', { exact: true }).waitFor();
    await scrollDown(page, 1_000);
    const inSight = await firstInSight(page);
    const id = await rowOf(page, inSight).getAttribute('data-session-id');
    const newest = await console.server.client.sessions.summaryPage({ limit: 5 });
    const changed = newest.summaries[3] ?? assert.fail('no session');
    await line.cut();
    await page.getByText('The server cannot be reached.').waitFor({ state: 'attached' });
    await rowOf(page, inSight).waitFor();
    // What the snapshot of the stream does not have.
    await console.server.client.sessions.delete(id ?? assert.fail('no id'));
    await console.server.client.sessions.delete(changed.session_id);

    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/sessions/summaries')) asked.push(request.url());
    });
    await line.mend();
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 60_000 });
    await rowOf(page, inSight)
      .getByText(/Deleted|Not in this list any more/)
      .waitFor();
    await page.getByText('The server cannot be reached.').waitFor({ state: 'detached' });
    assert.ok(asked.length <= FEW_REQUESTS, `${asked.length} requests after one reconnection`);
    const before = asked.length;
    // Further up nothing was read yet: it is when it is come by.
    const answered = page.waitForResponse((response) => response.url().includes('cursor='));
    await scrollTo(page, 56 * 450);
    await answered;
    assert.ok(asked.length > before);
    await scrollTo(page, 0);
    await rowOf(page, changed.title ?? '').waitFor({ state: 'detached' });
  });

  /** So many rows, as a wheel does it; how long frames took. */
  const scrollDown = async (
    page: Page,
    rows: number,
  ): Promise<{ frames: number; medianMs: number; longestMs: number }> => {
    await page.locator('tr[data-session-id]').first().waitFor();
    return await scroller(page).evaluate(async (element, end) => {
      const times: number[] = [];
      for (let last = performance.now(); element.scrollTop < end; ) {
        element.scrollTop += 400;
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
        times.push(now - last);
        last = now;
      }
      times.sort((a, b) => a - b);
      const medianMs = Math.round(times[times.length >> 1] ?? 0);
      return { frames: times.length, medianMs, longestMs: Math.round(times.at(-1) ?? 0) };
    }, rows * 56);
  };
});
