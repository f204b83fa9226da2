import { mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../test/support/chromium.ts';
import { openConsole } from '../test/support/console.ts';
import { checkUnseen } from '../test/support/watched-page.ts';
import { type Scene, setScene } from './scene.ts';
import { type Shot, shots } from './shots.ts';

/*
 * Pictures of every page, light and dark, for the README and the documentation: `npm run screenshots`. The server is
 * real and so is the program; what the model says is written down in stories.ts.
 */

const target = fileURLToPath(new URL('../../docs/screenshots', import.meta.url));
/** The same on every machine, as it can be seen in the pictures. */
const directory = join(tmpdir(), 'greenroom-screenshots');
const MAX_BYTES = 250_000;

await rm(directory, { recursive: true, force: true });
await mkdir(directory, { recursive: true });
await mkdir(target, { recursive: true });
try {
  await using scene = await setScene(directory);
  await using browser = await launchChromium();
  for (const shot of shots) {
    for (const theme of ['light', 'dark'] as const) await take(browser, { scene, shot, theme });
  }
  checkUnseen();
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** What comes later has come: the stream, and the part that reads Markdown. */
async function isWhole(page: Page): Promise<void> {
  await page.getByText('Live', { exact: true }).first().waitFor();
  await page.waitForFunction(() => document.querySelector('[data-loading]') === null);
}

type Taking = { scene: Scene; shot: Shot; theme: 'light' | 'dark' };

async function take(browser: Browser, { scene, shot, theme }: Taking): Promise<void> {
  const path = join(target, `${shot.name}-${theme}.png`);
  const look = { theme, isPhone: shot.isPhone ?? false };
  await using watched = await openConsole(browser, { server: scene.url, path: shot.path(scene.ids), look });
  await shot.ready(watched.page);
  await isWhole(watched.page);
  await watched.page.evaluate(async () => await document.fonts.ready);
  await watched.page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  const { size } = await stat(path);
  if (size > MAX_BYTES)
    throw new Error(`${path} has ${size} bytes: more than the documentation should carry`);
  process.stdout.write(`${path} ${Math.round(size / 1_000)} kB\n`);
}
