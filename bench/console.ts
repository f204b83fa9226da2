import type { Browser, Page } from 'playwright-core';
import { openBlank, startConsole } from '../console/test/support/console.ts';
import { seedLongSession, seedSessions } from '../console/test/support/seeded.ts';
import { checkUnseen } from '../console/test/support/watched-page.ts';
import { globalSetup, globalTeardown } from '../server/test/support/global-setup.ts';
import { median, quantile } from './statistics.ts';

/*
 * How fast the built console shows much: `npm run bench:console`. Exits with 0 when it could measure, whatever the
 * numbers are. Server, database and browser share the machine.
 */

const ROUNDS = 7;
const EVENTS = 10_000;
const SESSIONS = 10_000;
const WHEEL_STEPS = 120;
const WHEEL_PX = 400;

/** Runs in the page, before anything of it: when was there a row of this kind for the first time? */
function noteFirst(selector: string): void {
  const observer = new MutationObserver(() => {
    if (document.querySelector(selector) === null) return;
    observer.disconnect();
    // What is in the document is not on the screen yet.
    requestAnimationFrame(() =>
      setTimeout(() => Object.assign(globalThis, { firstRowAt: performance.now() })),
    );
  });
  observer.observe(document, { childList: true, subtree: true });
}

async function firstRow(page: Page): Promise<number> {
  const value = await page.waitForFunction(() => (globalThis as { firstRowAt?: number }).firstRowAt);
  return (await value.jsonValue()) ?? Number.NaN;
}

async function measureFirstRows(
  browser: Browser,
  server: string,
  path: string,
  selector: string,
): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await using watched = await openBlank(browser, { server });
    await watched.page.addInitScript(noteFirst, selector);
    await watched.page.goto(`${server}/console${path}`);
    times.push(await firstRow(watched.page));
  }
  return times;
}

/** Milliseconds between frames while somebody scrolls through the rows. */
async function measureScroll(
  browser: Browser,
  server: string,
  path: string,
  selector: string,
): Promise<number[]> {
  await using watched = await openBlank(browser, { server });
  const { page } = watched;
  await page.goto(`${server}/console${path}`);
  await page.locator(selector).first().waitFor();
  await page.mouse.move(500, 450);
  await page.evaluate(() => {
    const frames: number[] = [];
    Object.assign(globalThis, { frames });
    const note = (time: number): void => {
      frames.push(time);
      requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
  });
  for (let step = 0; step < WHEEL_STEPS; step++) {
    await page.mouse.wheel(0, step < WHEEL_STEPS / 2 ? -WHEEL_PX : WHEEL_PX);
    await page.evaluate(async () => await new Promise(requestAnimationFrame));
  }
  const frames = await page.evaluate(() => (globalThis as unknown as { frames: number[] }).frames);
  return frames.slice(1).map((time, index) => time - (frames[index] ?? time));
}

function render(name: string, samples: readonly number[]): string {
  const parts = [median(samples), quantile(samples, 0.95), Math.max(...samples)];
  return `${name.padEnd(52)}${parts.map((part) => part.toFixed(0).padStart(8)).join('')}\n`;
}

const log = '[role=log] [data-index]';
const row = 'tbody tr';

await globalSetup();
try {
  await using console = await startConsole();
  const { browser, server } = console;
  const sessionId = await seedLongSession(server, EVENTS);
  await seedSessions(server, SESSIONS);
  const session = `/sessions/${sessionId}`;
  process.stdout.write(
    `${'milliseconds'.padEnd(52)}${'median'.padStart(8)}${'p95'.padStart(8)}${'most'.padStart(8)}\n`,
  );
  const report = (name: string, samples: readonly number[]): void =>
    void process.stdout.write(render(name, samples));
  report(`${EVENTS} events: to the first rows`, await measureFirstRows(browser, server.url, session, log));
  report(
    `${EVENTS} events: between frames, scrolling`,
    await measureScroll(browser, server.url, session, log),
  );
  report(
    `${SESSIONS} sessions: to the first rows`,
    await measureFirstRows(browser, server.url, '/sessions', row),
  );
  report(
    `${SESSIONS} sessions: between frames, scrolling`,
    await measureScroll(browser, server.url, '/sessions', row),
  );
  checkUnseen();
} finally {
  await globalTeardown();
}
